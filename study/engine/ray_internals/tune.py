"""Tune's own records of its trials, and how it hears of a death; `names` says what is used of it, and why."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.exceptions import RayActorError, RayTaskError

from study.engine.ray_internals.replaced import replaced

# What Ray says of a process that its memory monitor killed, and of one on a machine that does not answer (it
# takes a node for lost only after a quarter of a minute).
LOW_MEMORY = "running low on memory"
NO_ANSWER = "is unavailable"


@contextmanager
def killed_for_memory_is_dead() -> Iterator[None]:
    """Tell Tune of a process killed by Ray's memory monitor as of any other that died.

    Tune does not expect the error that names this cause, or any but two, and would end the study.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager

    theirs = RayActorManager._actor_task_failed

    def fail(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if not isinstance(exception, (RayActorError, RayTaskError)):
            exception = RayActorError(error_msg=str(exception))
        theirs(manager, tracked_actor_task, exception)

    with replaced(RayActorManager, "_actor_task_failed", fail):
        yield


@contextmanager
def trainable_found_once() -> Iterator[None]:
    """Let Tune find what it is to run once, and not twice for each trial in Ray's store, pickled."""
    from ray.tune.experiment import trial

    with replaced(trial, "get_trainable_cls", functools.cache(trial.get_trainable_cls)):
        yield


@contextmanager
def counted_resources() -> Iterator[None]:
    """Let Tune count what of this machine is free, and reserve nothing with Ray.

    Only for a Ray that stays as it is: a reservation is what makes a cluster grow. Each costs Ray a task in a
    process of its own, and each trial that waits for a worker has one, which it gives back unused.
    """
    from ray.air.execution import FixedResourceManager
    from ray.tune.execution import tune_controller

    with replaced(tune_controller, "PlacementGroupResourceManager", FixedResourceManager):
        yield


def forget_ended(tune_controller: Any) -> None:
    """Take the trials that have ended and hold no worker off Tune's lists, which would keep all to the end.

    The last one stays: without any, Tune would look for their results in its files.

    Args:
        tune_controller: what a scheduler gets.
    """
    controller, trials = tune_controller._tune_controller, tune_controller.get_trials()
    ended = [trial for trial in trials if trial.is_finished() and trial not in controller._trial_to_actor]
    for trial in ended[:-1]:
        trials.remove(trial)
        for others in (controller._stopped_trials, controller._failed_trials, controller._trials_to_cache):
            others.discard(trial)


def has_worker(trial: Any) -> bool:
    """Tell whether a trial has a worker, and is only being handed to it if it is still pending."""
    return trial.temporary_state.ray_actor is not None


def forget_unreported(trial: Any) -> None:
    """Keep Tune from asking at its end for what a trial never reported: its worker is dead."""
    trial._default_result_or_future = None


def last_error(trial: Any) -> str:
    """Return what Ray says of a trial's last fault; its file holds them all."""
    return Path(trial.error_file).read_text(encoding="utf-8", errors="replace").rpartition("Failure # ")[2]
