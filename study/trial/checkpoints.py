"""A training's checkpoints: no more than the trial's share holds, whole or none, saved when there is room.

A checkpoint is the Trainer's folder with two files of our own: the checksums of the others, and, written
last, our part of the training: without that it is partial. A newer one is saved beside the one before, which
stays: where a file of the newer turns out to be torn, the training goes on from the older. Where the share
holds only one, the older goes first.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.machine.durable import flush, replace
from study.machine.room import Room, when_there_is_room
from study.results.disk import MOST_CHECKPOINTS, checkpoints_that_fit

PROGRESS_FILE = "study_progress.json"
CHECKSUMS_FILE = "study_checksums.json"


class Checkpoints:
    """The checkpoints of one phase of a trial.

    Of an earlier phase the last one stays: a resume begins with it.

    Args:
        folder: theirs, called by the phase's number; the other phases' lie beside it.
        size: bytes of one, at most.
        share: bytes that all checkpoints of the trial may take up; None: no limit.
        room: what has to be free before one is saved; None: nothing.
    """

    def __init__(self, folder: Path, size: float, share: float | None = None, room: Room | None = None):
        self.folder = folder
        self._room = room
        others = [path for path in folder.parent.glob("*") if path.name.isdigit() and path != folder]
        for other in others:
            if int(other.name) < int(folder.name):
                _delete_all_but(1, other)
        elsewhere = sum(len(_checkpoints(other)) for other in others)
        fit = checkpoints_that_fit(share, size, wanted=MOST_CHECKPOINTS + elsewhere)
        self.kept = max(0, fit - elsewhere)

    def last(self) -> Path | None:
        """Return the last whole checkpoint; delete the partial and the torn ones, and say which were torn."""
        whole, torn = [], []
        for path in _checkpoints(self.folder):
            fault = _find_fault(path) if (path / PROGRESS_FILE).is_file() else ""
            if fault is None:
                whole.append(path)
                continue
            if fault:
                torn.append(f"the checkpoint of step {_step(path)} is torn: {fault}")
            shutil.rmtree(path)
        last = whole[-1] if whole else None
        where = "starts anew" if last is None else f"goes on from that of step {_step(last)}"
        for line in torn:
            print(f"{line}; the training {where}", flush=True)
        return last

    def save(self, step: int, write: Callable[[], None], progress: Any) -> None:
        """Save the checkpoint of `step`, when there is room; the training waits.

        Args:
            write: writes the Trainer's part of it.
            progress: a dataclass, our own part.
        """
        path = self.folder / f"checkpoint-{step}"

        def save() -> None:
            _delete_all_but(self.kept - 1, self.folder)
            write()
            (path / CHECKSUMS_FILE).write_text(json.dumps(_checksums(path)), encoding="utf-8")
            flush(path)
            partial = path / f"{PROGRESS_FILE}.partial"
            partial.write_text(json.dumps(dataclasses.asdict(progress)), encoding="utf-8")
            replace(partial, path / PROGRESS_FILE)

        when_there_is_room(save, self._room, tidy=lambda: shutil.rmtree(path, ignore_errors=True))


def _checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a phase, the newest last."""
    return sorted(folder.glob("checkpoint-*"), key=_step)


def _step(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _delete_all_but(newest: int, folder: Path) -> None:
    paths = _checkpoints(folder)
    for path in paths[: max(0, len(paths) - newest)]:
        # First what says that it is whole: a kill may come in the midst of it.
        (path / PROGRESS_FILE).unlink(missing_ok=True)
        shutil.rmtree(path)


def _checksums(path: Path) -> dict[str, int]:
    """Return file -> CRC-32 of its content, of all that lies in a checkpoint."""
    return {file.relative_to(path).as_posix(): _checksum(file) for file in path.rglob("*") if file.is_file()}


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            checksum = zlib.crc32(part, checksum)
    return checksum


def _find_fault(path: Path) -> str | None:
    """Return what is amiss with a checkpoint that says it is whole; None where nothing is."""
    if _read_object(path / PROGRESS_FILE) is None:
        return f"{PROGRESS_FILE} can't be read"
    if not (path / CHECKSUMS_FILE).exists():  # an earlier version's, which recorded none
        return None
    recorded = _read_object(path / CHECKSUMS_FILE)
    if recorded is None:
        return f"{CHECKSUMS_FILE} can't be read"
    found = _checksums(path)
    faults = (
        f"{name} is missing" if name not in found else f"{name} is not as it was written"
        for name, checksum in recorded.items()
        if found.get(name) != checksum
    )
    return next(faults, None)


def _read_object(path: Path) -> dict[str, Any] | None:
    """Return what a file of ours says, or None if it is torn."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
