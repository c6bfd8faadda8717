"""Files that survive a power cut: the kernel may keep what a process wrote for half a minute."""

from __future__ import annotations

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Wait until a file, or a folder with all that lies in it, is on the disk.

    Raises:
        OSError: it did not get there, for want of room, say.
    """
    if path.is_dir():
        for entry in path.iterdir():
            flush(entry)
    _sync(path)


def replace(new: Path, old: Path) -> None:
    """Put a file or a folder in the place of another: after a power cut one or the other is there, whole.

    Raises:
        OSError: see `flush`; or `old` is a folder that is not empty.
    """
    flush(new)
    os.replace(new, old)
    _sync(old.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
