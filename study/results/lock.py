"""Who uses a results folder on a disk: a lock, which the kernel lets go with its process, however it ends."""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from study.errors import UserError


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep a second run out of a folder for the length of the block.

    Raises:
        UserError: another run has it, or it can't be written or locked.
    """
    try:
        file = (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"results folder '{folder}' can't be written: {error.strerror}") from None
    with file:
        _take(file, folder)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n")
        file.flush()
        yield


def _take(file: TextIO, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise UserError(
            f"results folder '{folder}' is in use by {file.read().strip() or 'another run'}; "
            "wait for it to end, or stop it with Ctrl-C"
        ) from None
    except OSError as error:  # of network file systems not all know locks
        raise UserError(f"results folder '{folder}' can't be locked: {error.strerror}") from None
