"""Room on a disk: whether there is enough, whether an error means that there is none, and waiting for it.

A full disk pauses a study. No trial is started while less than a floor is free, and a process that meets the
end of the disk waits until there is room and does again what it was doing; nothing is lost, and nobody has
to start anything again.
"""

from __future__ import annotations

import errno
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from study.sizes import show_size

Result = TypeVar("Result")

POLL_SECONDS = 2.0
# What the libraries say that pass no errno on: safetensors, SQLite, and (twice) torch.save.
_SAYINGS = ("No space left on device", "disk is full", "iostream error", "inline_container.cc")


@dataclass(frozen=True)
class Room:
    """The disks that a study writes to, and what has to be free on each before anything is begun.

    Attributes:
        floors: (a folder, which need not exist yet; the bytes that have to be free on its disk).
    """

    floors: tuple[tuple[Path, float], ...]

    def lacking(self) -> str | None:
        """Return what is lacking, as a sentence for people, or None."""
        for folder, floor in self.floors:
            free = free_bytes(folder)
            if free < floor:
                return f"{show_size(free)} free in '{folder}', {show_size(floor)} are needed to go on"
        return None


# For what is small and can't wait for trials to have room: it is written as soon as it fits.
ANY_ROOM = Room(())


def free_bytes(folder: Path) -> int:
    """Return the bytes free on the disk of a folder that need not exist yet."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error, or one that it came from, means that a disk (or a quota) is full."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(saying in str(seen) for saying in _SAYINGS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def print_reason(reason: str) -> None:
    """Print why something waits to standard error, which in a worker is the trial's log."""
    with suppress(OSError):  # the log may lie on the very disk
        print(reason, file=sys.stderr, flush=True)


def when_there_is_room(
    do: Callable[[], Result],
    room: Room | None = ANY_ROOM,
    on_wait: Callable[[str], Any] = print_reason,
    tidy: Callable[[], Any] = lambda: None,
) -> Result:
    """Return `do()`, begun when there is room, and begun again whenever it met the end of the disk.

    Args:
        do: may be called several times.
        room: what has to be free before; None: errors of a full disk get out as any others.
        on_wait: is called with the reason of each wait.
        tidy: takes away what a `do` that met the end of the disk has left behind.
    """
    told = ""
    while True:
        why = "waiting for room"
        if room is not None and (lacking := room.lacking()) is not None:
            reason = lacking
        else:
            try:
                return do()
            except Exception as error:
                if room is None or not is_disk_full(error):
                    raise
                why, reason = "waiting, for the disk is full", str(error).strip().partition("\n")[0]
            tidy()
        if why != told:
            on_wait(f"{why}: {reason}")
        told = why
        # Where a quota is what is full, no figure says when there is room again.
        time.sleep(POLL_SECONDS)


class Gate:
    """Whether trials may be handed out: closed while there is no room. Says when that changes.

    Args:
        room: what is asked for.
        on_change: is called with the reason when the gate closes, and with None when it opens again.
    """

    def __init__(self, room: Room, on_change: Callable[[str | None], Any]):
        self.room, self._on_change = room, on_change
        self._lacking: str | None = None
        self._looked = float("-inf")

    def close(self, reason: str) -> None:
        """Close it until the next look at the disk."""
        if self._lacking is None:
            self._on_change(reason)
        self._lacking = reason

    def is_open(self) -> bool:
        """Tell whether there is room; looks at the disk now and then, not at every call."""
        if time.monotonic() - self._looked >= POLL_SECONDS:
            was_open, self._lacking = self._lacking is None, self.room.lacking()
            self._looked = time.monotonic()
            if was_open != (self._lacking is None):
                self._on_change(self._lacking)
        return self._lacking is None
