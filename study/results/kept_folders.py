"""The folders in a study's folder: a resume makes those that are gone, and says which can't be one."""

from __future__ import annotations

from study.errors import UserError
from study.results.folder import ResultsFolder
from study.results.schema import TABLES

NAMES = (*TABLES, "logs", "models", "checkpoints", "candidates", "tracking")


def check_folders(folder: ResultsFolder) -> None:
    """Check that nothing else is where a study keeps a folder. At an address there are no folders.

    Raises:
        UserError: something is.
    """
    if folder.is_remote:
        return
    for name in NAMES:
        path = folder.root / name
        if (path.exists() or path.is_symlink()) and not path.is_dir():
            what = "leads nowhere" if path.is_symlink() and not path.exists() else "is a file"
            raise UserError(f"'{path}' {what}; a study keeps a folder there: move it away")
