"""What a Ray worker does: one trial after another, each with its output in its own log."""

from __future__ import annotations

import fcntl
import functools
import gc
import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray import tune

from study.config import MATH, TrialConfig
from study.errors import UserError
from study.machine.launchers import leave_launcher
from study.quiet import quiet_imports
from study.results.folder import ResultsFolder
from study.trial.record import RunTrial, SaveModel, StudyContext, fewest_parts, record_trial
from study.workplace import Workplace

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """What every worker gets.

    Attributes:
        workplaces: where to run, by the name of the base model.
        results: the results folder to write to, or its address.
        about: the columns that only the study knows.
        trainer: the function that runs a trial, as "module:name"; it is imported in the worker.
    """

    workplaces: Mapping[str, Workplace]
    results: str | Path
    about: Mapping[str, Any]
    trainer: str = "study.trial.trial:run_trial"


def run_on_worker(assigned: dict[str, Any], job: Job) -> None:
    """Run one trial in a Ray worker, with its output in the trial's log."""
    config, folder = TrialConfig(**assigned["trial"]), ResultsFolder(job.results)
    folder.wait_for_store()
    threads = max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
    checkpoints = folder.checkpoints_path(config.trial_id)
    node = ray.get_runtime_context().get_node_id()
    try:
        workplace = job.workplaces[config.model].on_this_machine()
        folder.check_seen()
    except UserError as error:  # not the trial's fault: no other would fare better on this machine
        tune.report({"finished": 1, "node": node, "refusal": str(error)})
        return
    workplace = replace(
        workplace,
        threads=threads,
        checkpoints=checkpoints,
        kept_models=folder.candidates_path,
        on_checkpoint=lambda: folder.publish(checkpoints),
        # Once the host ran out of memory, see `study.engine.trial_events`.
        accumulation=fewest_parts(config) if assigned["in_parts"] else 1,
        scoring_parts=2 if assigned["in_parts"] else 1,
    )
    log = folder.log_path(config.trial_id)
    with _output_to(log), _alone_with(log):
        # An earlier attempt may have finished it, if its process died before it said so.
        row: Row | None = folder.read_trial(config.trial_id)
        if row is None:
            folder.fetch(checkpoints)
            makes_a_model = assigned["keep"]
            if config.trained_by is not None:
                candidate = folder.candidates_path / config.trained_by
                folder.fetch(candidate)
                makes_a_model = not candidate.is_dir()  # else it is trained again
            row = record_trial(
                load_trainer(job.trainer),  # heavy imports belong to the worker, and their noise to the log
                config,
                workplace,
                folder,
                on_progress=lambda progress: tune.report(
                    {"finished": 0, "node": node, "progress": dict(progress)}
                ),
                save_model=_saver(config, workplace, folder) if makes_a_model else None,
                context=StudyContext({**job.about, **assigned["about"]}, assigned["cutoffs"]),
            )
    folder.publish(log)
    tune.report({"finished": 1, "node": node, "status": row["status"]})


@functools.cache
def load_trainer(name: str) -> RunTrial:
    """Return the trainer called "module:name", imported once in a process."""
    leave_launcher(os.environ)  # of a Ray that srun or mpirun has started
    quiet_imports()
    module, _, function = name.partition(":")
    trainer: RunTrial = getattr(importlib.import_module(module), function)
    # What the libraries brought stays for good. The garbage collector, which transformers, accelerate and
    # `study.trial.record` call at each trial, need not look through it: that took 0.7 s a trial.
    gc.collect()
    gc.freeze()
    return trainer


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Wait until no other process is in this block with the same file.

    The workers of a killed study live on for seconds: two at once would share a trial's checkpoints.
    """
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets it go with the process, however that ends
        yield


def _saver(config: TrialConfig, workplace: Workplace, folder: ResultsFolder) -> SaveModel:
    """Return what keeps a trial's model under the id of the trial that trains it, or trained it first."""
    from study.winner.asking import asked_of
    from study.winner.keeping import saver

    trained = config.as_trained
    path = folder.candidates_path / trained.trial_id
    asked = None if trained.task == MATH else asked_of(trained, workplace)
    save = saver(path, trained, workplace.model, asked)

    def save_and_publish(model: Any, tokenizer: Any) -> None:
        path.parent.mkdir(exist_ok=True)
        save(model, tokenizer)
        folder.publish(path)

    return save_and_publish


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send this process's standard output and error to a file, those of libraries in C included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        saved = os.dup(1), os.dup(2)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            for old, target in zip(saved, (1, 2), strict=True):
                with suppress(OSError):
                    os.dup2(old, target)
                os.close(old)
