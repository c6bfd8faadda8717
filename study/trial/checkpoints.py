"""A training's checkpoints: no more than the trial's share holds, whole or none, saved when there is room.

A checkpoint is the Trainer's folder with our own file in it, written last: without that it is partial. The
newer is saved beside the older and takes its place; where the share holds only one, the older goes first.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.machine.durable import flush, replace
from study.machine.room import Room, when_there_is_room
from study.results.disk import checkpoints_that_fit

PROGRESS_FILE = "study_progress.json"


class Checkpoints:
    """The checkpoints of one phase of a trial.

    Args:
        folder: theirs; the other phases' lie beside it.
        size: bytes of one, at most.
        share: bytes that all checkpoints of the trial may take up; None: no limit.
        room: what has to be free before one is saved; None: nothing.
    """

    def __init__(self, folder: Path, size: float, share: float | None = None, room: Room | None = None):
        self.folder = folder
        self._room = room
        # Those of an earlier phase stay: a resume begins with it.
        earlier = [path for path in folder.parent.glob("*/checkpoint-*") if path.parent != folder]
        fit = checkpoints_that_fit(share, size, wanted=2 + len(earlier))
        self.kept = max(0, fit - len(earlier))

    def last(self) -> Path | None:
        """Return the last checkpoint that was written to its end, and delete the partial ones."""
        for path in self.folder.glob("checkpoint-*"):
            if not (path / PROGRESS_FILE).is_file():
                shutil.rmtree(path)
        return max(self._all(), key=_step, default=None)

    def save(self, step: int, write: Callable[[], None], progress: Any) -> None:
        """Save the checkpoint of `step`, when there is room; the training waits.

        Args:
            write: writes the Trainer's part of it.
            progress: a dataclass, our own part.
        """
        path = self.folder / f"checkpoint-{step}"

        def save() -> None:
            self._delete_all_but(self.kept - 1)
            write()
            flush(path)
            partial = path / f"{PROGRESS_FILE}.partial"
            partial.write_text(json.dumps(dataclasses.asdict(progress)), encoding="utf-8")
            replace(partial, path / PROGRESS_FILE)

        when_there_is_room(save, self._room, tidy=lambda: shutil.rmtree(path, ignore_errors=True))
        self._delete_all_but(1)

    def _delete_all_but(self, newest: int) -> None:
        paths = sorted(self._all(), key=_step)
        for path in paths[: max(0, len(paths) - newest)]:
            # First what says that it is whole: a kill may come in the midst of it.
            (path / PROGRESS_FILE).unlink(missing_ok=True)
            shutil.rmtree(path)

    def _all(self) -> list[Path]:
        return [*self.folder.glob("checkpoint-*")]


def _step(path: Path) -> int:
    return int(path.name.rpartition("-")[2])
