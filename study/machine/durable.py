"""Files that survive a power cut: the kernel may keep what a process wrote for half a minute."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# What file systems say that know no fsync, of folders (on many a network) or at all.
_UNKNOWN = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EISDIR, errno.EPERM, errno.EACCES)


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

    Where a file system can't be told to wait, that hangs on the kernel.

    Raises:
        OSError: see `flush`; or `old` is a folder that is not empty.
    """
    flush(new)
    os.replace(new, old)
    _sync(old.parent)


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder that may be written, but not listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise
    finally:
        os.close(descriptor)
