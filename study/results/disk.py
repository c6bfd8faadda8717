"""The disk: what a study takes up, and the share of it that each trial's checkpoints may have.

`--max-disk` is kept by fixed shares: what it leaves after the models and tables that the study ends with is
divided by the slots, so that no two trials ever compete for it. A trial saves beside the checkpoint that it
has; where its share holds no two, the older goes first, and where it holds none, there are none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from study.errors import UserError
from study.machine.room import Room, free_bytes
from study.sizes import show_size
from study.workplace import default_cache

# What must stay free beside what the trials are known to write: logs, tables, other programs' files.
FLOOR_BYTES = 100e6
# A checkpoint's small files: the random state, the schedule, the history so far.
CHECKPOINT_EXTRAS = 1e6
# The newer one is partial until its last file is written.
MOST_CHECKPOINTS = 2


def checkpoint_bytes(trainable: int, tokenizer_bytes: float) -> float:
    """Return the most that a checkpoint takes up: what trains, its two moments of AdamW, the tokenizer."""
    return 12.0 * trainable + tokenizer_bytes + CHECKPOINT_EXTRAS


def tokenizer_bytes(model: Path) -> int:
    """Return the bytes of a model folder's files that are not weights: they are saved with each model."""
    weights = {".safetensors", ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".gguf"}
    return sum(p.stat().st_size for p in model.iterdir() if p.is_file() and p.suffix not in weights)


def checkpoints_that_fit(share: float | None, size: float, wanted: int = MOST_CHECKPOINTS) -> int:
    """Return how many checkpoints of that size a trial may have at once; `share` None: all it wants."""
    return wanted if share is None else min(wanted, int(share // size))


@dataclass(frozen=True)
class DiskPlan:
    """What a study takes up at most, in bytes.

    Attributes:
        models, tables: what it ends with: every arm's model; and rows, predictions, logs and report.
        candidates: the models that wait to be scored, while it runs.
        model, checkpoint: the largest of each.
        slots: trials that run at once.
        limit: the user's limit for the results folder, or None.
    """

    models: float
    tables: float
    candidates: float
    model: float
    checkpoint: float
    slots: int
    limit: float | None = None

    @property
    def least(self) -> float:
        """What it takes up without any checkpoint."""
        return self.models + self.tables + self.candidates

    @property
    def share(self) -> float | None:
        """What the checkpoints of one trial may take up; None: all they want."""
        return None if self.limit is None else (self.limit - self.least) / self.slots

    @property
    def kept(self) -> int:
        """Checkpoints that the trials of the largest model may have at once: 0, 1 or 2."""
        return checkpoints_that_fit(self.share, self.checkpoint)

    @property
    def checkpoints(self) -> float:
        """What the checkpoints of all slots take up."""
        wanted = MOST_CHECKPOINTS * self.checkpoint
        return self.slots * (wanted if self.share is None else min(wanted, self.share))

    @property
    def total(self) -> float:
        """What the results folder takes up."""
        return self.least + self.checkpoints

    @property
    def floor(self) -> float:
        """What has to be free before a trial writes: a checkpoint, or a model, for every slot."""
        return FLOOR_BYTES + self.slots * (self.checkpoint if self.kept else self.model)

    @property
    def need(self) -> float:
        """What has to be free before the study starts, so that it never comes to the floor by itself."""
        return self.least + max(self.checkpoints + FLOOR_BYTES, self.floor)

    def room(self, folder: Path) -> Room:
        """Return what has to be free before a trial writes to the results folder, and to the cache."""
        return Room(((folder, self.floor), (default_cache(), FLOOR_BYTES)))


def check_limit(plan: DiskPlan) -> None:
    """Check that the user's limit holds at least what the study takes up without any checkpoint.

    Raises:
        UserError: it does not.
    """
    if plan.limit is not None and plan.limit < plan.least:
        raise UserError(
            f"--max-disk must be at least {show_size(plan.least)}, which the models and tables of this study "
            f"take up without any checkpoint; received {show_size(plan.limit)}"
        )


def check_free(plan: DiskPlan, folder: Path) -> None:
    """Check that the disk of a results folder has what the study needs, less what it has there already.

    Raises:
        UserError: it has not.
    """
    need = max(plan.need - folder_bytes(folder), plan.floor)
    free = free_bytes(folder)
    if free < need:
        bare = replace(plan, limit=plan.least)
        helps = plan.kept and free >= bare.need
        hint = f", or keep no checkpoints with --max-disk {show_size(bare.total)}" if helps else ""
        raise UserError(
            f"the study needs {show_size(need)} of disk, and {show_size(free)} are free in '{folder}'; "
            f"free some, or name another disk with --results{hint}"
        )
    if lacking := plan.room(folder).lacking():
        raise UserError(f"there is no room: {lacking}")


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder; 0 where there is none."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # a running study deletes what it is done with
                total += os.lstat(os.path.join(parent, name)).st_size
    return total
