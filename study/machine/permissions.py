"""Who may read what stays: files follow the umask, those too that a library makes for their owner alone."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path


def follow_umask(folder: Path) -> None:
    """Give a folder and all that lies in it the modes that this process's new files have.

    safetensors writes into a temporary file, which its owner alone may read, and renames that.
    """
    probe = folder / f".{uuid.uuid4().hex[:8]}"
    probe.mkdir()
    mode = stat.S_IMODE(probe.stat().st_mode)
    probe.rmdir()
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(mode if path.is_dir() else mode & 0o666)
