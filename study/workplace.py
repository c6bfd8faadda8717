"""`Workplace`: where a trial runs. Paths, devices, threads: nothing of it may change a trial's result.

Beside `study.config.TrialConfig`, which holds what does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from study.errors import UserError
from study.machine.cgroup import group_cpus
from study.machine.room import Room
from study.rows.problems import Columns
from study.sources.finding import Source, find_again
from study.tasks.finding import MATH_TASK, FoundTask


def default_cache() -> Path:
    """Return the cache folder: $FINETUNE_STUDY_CACHE, or finetune-study in the user's cache folder.

    Raises:
        UserError: the user has no home, and the variable names none.
    """
    if folder := os.environ.get("FINETUNE_STUDY_CACHE"):
        return Path(folder)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "finetune-study"
    except RuntimeError:  # a user without a home
        raise UserError("no home folder for the cache; name a folder in FINETUNE_STUDY_CACHE") from None


def available_cpus() -> int:
    """Return the number of CPUs that this process may use: by its affinity, and by its container's quota."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = group_cpus()
    return here if quota is None else max(1, min(here, int(quota)))


@dataclass(frozen=True)
class Workplace:
    """Where a trial runs.

    Attributes:
        model, data: the folders of the base model and of the data.
        code_data: the folder of stacked LoRA's second data set, or None.
        cache: folder of what trials share: tokenised examples, reference embeddings.
        threads: CPU threads that the trial computes with: the CPUs it was given.
        use_gpu: whether the trial was given a GPU, or a share of one.
        task: what is asked, and how answers are scored.
        columns: the data's columns that hold the question and the answer; None: those of the task.
        skip_bad_rows: leave out rows that can't be used, instead of refusing the data.
        keep_leaks: leave questions that are scored in the training data.
        checkpoints: folder of the trial's checkpoints, or None to keep none.
        checkpoint_share: bytes that they may take up, or None for no limit.
        room: what has to be free on the disks before the trial writes, or None for nothing.
        on_checkpoint: is called when a checkpoint is whole.
        accumulation: micro-batches that a batch is trained in; more than 1 after running out of memory.
        scoring_parts: by which what a batch may take up of memory is divided in scoring; likewise.
        kept_models: folder in which the models of search trials wait to be scored, each under its trial's id;
            None, or no such folder in it: a trial that scores one trains it again.
        slots: trials of the study that run at once; None where it runs alone.
        gpu_share: of a GPU, that the trial was given; None on a CPU.
    """

    model: Source
    data: Source
    cache: Path = field(default_factory=default_cache)
    threads: int = 1
    use_gpu: bool = False
    task: FoundTask = MATH_TASK
    columns: Columns | None = None
    skip_bad_rows: bool = False
    keep_leaks: bool = False
    code_data: Source | None = None
    checkpoints: Path | None = None
    checkpoint_share: float | None = None
    room: Room | None = None
    on_checkpoint: Callable[[], None] | None = None
    accumulation: int = 1
    scoring_parts: int = 1
    kept_models: Path | None = None
    slots: int | None = None
    gpu_share: float | None = None

    @property
    def sources(self) -> list[Source]:
        """The model and the data."""
        return [self.model, self.data, *([self.code_data] if self.code_data else [])]

    def kept_model(self, trial: str | None) -> Path | None:
        """Return the folder of the model that a trial has trained and kept, or None if there is none."""
        if trial is None or self.kept_models is None:
            return None
        folder = self.kept_models / trial
        return folder if folder.is_dir() else None

    def on_this_machine(self) -> Workplace:
        """Return the same workplace where its folders lie on this machine of a cluster.

        The cache is each machine's own: $FINETUNE_STUDY_CACHE of its processes, or the user's cache folder.

        Raises:
            UserError: a model or data folder is not on this machine, and can't be fetched.
        """
        return replace(
            self,
            model=find_again(self.model, "model"),
            data=find_again(self.data, "dataset"),
            code_data=self.code_data and find_again(self.code_data, "dataset"),
            cache=default_cache(),
        )
