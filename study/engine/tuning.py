"""Ray: the trials of a study as Ray Tune trials, on one machine or a cluster.

The one file that wraps the trainer in the scheduler. Tune starts the trials and holds the slots; which trial
comes next is `study.search`'s business, and what a trial leaves behind is written by the process that ran it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ray import tune

from study.engine.handing_out import HandingOut, InOrder, Unsaved
from study.engine.ray_internals.processes import find_raylets
from study.engine.ray_internals.tune import (
    counted_resources,
    killed_for_memory_is_dead,
    trainable_found_once,
)
from study.engine.raylet import ended_with_the_raylet
from study.engine.slots import Slots
from study.engine.trial_actor import titled_by_trial
from study.engine.trial_events import TrialEvents
from study.engine.worker import Job, run_on_worker
from study.machine.interruption import shielded
from study.machine.room import Gate
from study.machine.scratch import make_scratch, remove_scratch
from study.search.observer import Observer
from study.search.search import StudySearch

# Of Tune, as its documentation names them.
_SETTINGS = {
    # Ctrl-C is the study's to handle, the results are its own files, and its own lines are enough.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune's own snapshots grow with the trials that have ended; they fail on a full disk, and a study is
    # resumed from its rows.
    "TUNE_GLOBAL_CHECKPOINT_S": "inf",
}


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
    os.environ.update(_SETTINGS, TUNE_MAX_PENDING_TRIALS_PG=str(slots.count))
    # Tune lets a worker go that falls free while no trial waits for one: as many wait as there are slots, as
    # far as the search has them. An autoscaling cluster sees by them how much it is to get.
    waiting = 0 if slots.capped else slots.count
    searcher = HandingOut(search, gate, slots.count + waiting)
    events = TrialEvents(searcher, job, observers)
    scratch = make_scratch("finetune-study-tune")
    tuner = tune.Tuner(
        _trainable(job, slots),
        tune_config=tune.TuneConfig(
            search_alg=Unsaved(searcher),
            scheduler=InOrder(searcher),
            num_samples=-1,
            # A worker takes one trial after another: torch is imported once a slot.
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(name="study", storage_path=str(scratch), callbacks=[events], verbose=0),
    )
    try:
        with killed_for_memory_is_dead(), trainable_found_once(), _resources(slots), ended_with_the_raylet():
            tuner.fit()
    finally:
        with shielded():
            remove_scratch(scratch)


def _resources(slots: Slots) -> AbstractContextManager[None]:
    """Return how Tune finds room for a worker: by counting, where Ray has this machine's CPUs alone."""
    is_fixed = bool(find_raylets()) and not slots.gpus  # shares of a GPU are for Ray to add up
    return counted_resources() if is_fixed else nullcontext()


def _trainable(job: Job, slots: Slots) -> Any:
    """Return what Tune runs in a worker, with what of a machine a worker gets."""
    trainable = titled_by_trial(tune.with_parameters(run_on_worker, job=job))
    return tune.with_resources(trainable, {"cpu": slots.cpus, "gpu": slots.gpus})
