"""Ray: the trials of a study as Ray Tune trials, on one machine or a cluster.

The one file that wraps the trainer in the scheduler. Tune starts the trials and holds the slots; which trial
comes next is `study.search`'s business, and what a trial leaves behind is written by the process that ran it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

from ray import tune
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import RayActorError, RayTaskError

from study.engine.handing_out import HandingOut, InOrder, Unsaved
from study.engine.raylet import ended_with_the_raylet
from study.engine.slots import Slots
from study.engine.trial_actor import titled_by_trial
from study.engine.trial_events import TrialEvents
from study.engine.worker import Job, run_on_worker
from study.machine.interruption import shielded
from study.machine.room import Gate
from study.search.observer import Observer
from study.search.search import StudySearch


def run_trials(
    search: StudySearch,
    job: Job,
    slots: Slots,
    observers: Sequence[Observer],
    gate: Gate | None = None,
) -> None:
    """Run every trial that `search` hands out, `slots.count` at a time, and return when all have ended.

    None is handed out while `gate` is closed.

    Raises:
        RayLost: Ray's own process on this machine has died.
    """
    RayActorManager._actor_task_failed = _actor_task_failed_or_killed
    # Tune lets a worker go that falls free while no trial waits for one: as many wait as there are slots, as
    # far as the search has them. An autoscaling cluster sees by them how much it is to get.
    waiting = 0 if slots.capped else slots.count
    os.environ.update(
        # Ctrl-C is the study's to handle, the results are its own files, and its own lines are enough.
        TUNE_DISABLE_SIGINT_HANDLER="1",
        TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
        TUNE_PRINT_ALL_TRIAL_ERRORS="0",
        RAY_AIR_NEW_OUTPUT="0",
        # Tune's own snapshots grow with the trials that have ended; they fail on a full disk, and
        # a study is resumed from its rows.
        TUNE_GLOBAL_CHECKPOINT_S="inf",
        TUNE_MAX_PENDING_TRIALS_PG=str(slots.count),
    )
    searcher = HandingOut(search, gate, slots.count + waiting)
    scratch = tempfile.mkdtemp(prefix="finetune-study-tune-")
    trainable = tune.with_resources(
        titled_by_trial(tune.with_parameters(run_on_worker, job=job)),
        {"cpu": slots.cpus, "gpu": slots.gpus},
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=Unsaved(searcher),
            scheduler=InOrder(searcher),
            num_samples=-1,
            # A worker takes one trial after another: torch is imported once a slot.
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="study",
            storage_path=scratch,
            callbacks=[TrialEvents(searcher, job, observers)],
            verbose=0,
        ),
    )
    try:
        with ended_with_the_raylet():
            tuner.fit()
    finally:
        with shielded():
            shutil.rmtree(scratch, ignore_errors=True)


_actor_task_failed = RayActorManager._actor_task_failed


def _actor_task_failed_or_killed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
    """Tell Tune of a process killed by Ray's memory monitor as of any other that died.

    Tune (Ray 2.60) does not expect the error that names this cause, or any but two, and would end the study.
    """
    if not isinstance(exception, (RayActorError, RayTaskError)):
        exception = RayActorError(error_msg=str(exception))
    _actor_task_failed(manager, tracked_actor_task, exception)
