"""What a killed run leaves in a results folder: temporary files, and finished trials' checkpoints."""

from __future__ import annotations

import re
import shutil

from study.results.folder import ResultsFolder
from study.results.schema import TABLES

# The name under which a file or a folder is written before it takes its place, see `study.results.folder`.
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}")


def remove_leftovers(folder: ResultsFolder) -> None:
    """Delete what no run will need again. Only for who has the folder: see `ResultsFolder.in_use`.

    A worker of the killed run may be at it for some seconds more.
    """
    models = (folder.root / "models", folder.candidates_path)
    for parent in (folder.root, *models, *(folder.root / table for table in TABLES)):
        for path in parent.glob(".*"):
            if not _TEMPORARY.fullmatch(path.name):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    for checkpoints in (folder.root / "checkpoints").glob("*"):
        # A trial in mid-training goes on from them; one that has finished was killed before it deleted them.
        if folder.read_trial(checkpoints.name) is not None:
            shutil.rmtree(checkpoints, ignore_errors=True)
