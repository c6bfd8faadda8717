"""Ray: the trials of a study as Ray Tune trials, on one machine or a cluster.

The one file that wraps the trainer in the scheduler. Tune starts the trials and holds the slots; which trial
comes next is `study.search`'s business, and what a trial leaves behind is written by the process that ran it.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher
from ray.tune.search.search_generator import SearchGenerator

from study.engine.raylet import ended_with_the_raylet
from study.engine.slots import Slots
from study.engine.trial_actor import titled_by_trial
from study.engine.worker import Job, run_on_worker
from study.errors import UserError
from study.machine.interruption import check, shielded
from study.machine.room import Gate, when_there_is_room
from study.machine.scratch import make_scratch, remove_scratch
from study.results.folder import ResultsFolder
from study.search.observer import Observer
from study.search.search import Assignment, StudySearch
from study.trial.record import config_columns

Row = Mapping[str, Any]

# What Ray says of a process that its memory monitor killed, and of one on a machine that does not answer (it
# takes a node for lost only after a quarter of a minute).
LOW_MEMORY = "running low on memory"
NO_ANSWER = "is unavailable"

NODE_LOST = "its node died"
NEVER_STARTED = "its worker process died before it began"
PROCESS_DIED = "its worker process died"
OUT_OF_MEMORY = "the host is out of memory"
# How often a trial is started again, by what happened to it. A spot machine may be taken away several times,
# which is no fault of the trial's.
RESTARTS = {NODE_LOST: 20, NEVER_STARTED: 5, PROCESS_DIED: 1, OUT_OF_MEMORY: 1}


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
    searcher = _Searcher(search, gate, slots.count + waiting)
    scratch = make_scratch("finetune-study-tune")
    trainable = tune.with_resources(
        titled_by_trial(tune.with_parameters(run_on_worker, job=job)),
        {"cpu": slots.cpus, "gpu": slots.gpus},
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=_Unsaved(searcher),
            scheduler=_InOrder(searcher),
            num_samples=-1,
            # A worker takes one trial after another: torch is imported once a slot.
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="study",
            storage_path=str(scratch),
            callbacks=[_Watcher(searcher, job, observers)],
            verbose=0,
        ),
    )
    try:
        with ended_with_the_raylet():
            tuner.fit()
    finally:
        with shielded():
            remove_scratch(scratch)


class _NotPickled:
    """Tune pickles its searcher and callbacks, to restore them; ours are made anew from the results."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Unsaved(SearchGenerator):
    """Tune's wrapper of a searcher, less its snapshots: a study is resumed from its rows.

    Tune renames a snapshot's file while it may be copying the one before: in a study with nothing left to run
    it often did, and logged the failed copy with a traceback.
    """

    def save_to_dir(self, dirpath: str, session_str: str) -> None:
        """Nothing."""


class _Searcher(_NotPickled, Searcher):
    """Tune's view of the search: a configuration on request, nothing yet, or finished."""

    def __init__(self, search: StudySearch, gate: Gate | None, at_most: int):
        super().__init__(metric="finished", mode="max")
        self._search, self._gate, self._at_most = search, gate, at_most
        self._again: list[Assignment] = []
        self._in_parts: set[str] = set()
        self.assignments: dict[str, Assignment] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if len(self.assignments) >= self._at_most or not self.is_open():
            return None
        again = bool(self._again)
        assignment = self._again.pop(0) if again else self._search.next()
        if assignment is None:
            # One that runs may yet have to be handed out again: the end is when none does.
            return Searcher.FINISHED if self._search.exhausted and not self.assignments else None
        # One that is taken up again comes first: its arm may be waiting for it.
        first = {trial_id: assignment} if again else {}
        self.assignments = {**first, **self.assignments, trial_id: assignment}
        return {
            "trial": assignment.config.model_dump(mode="json"),
            "about": assignment.columns,
            "keep": assignment.keeps_its_model,
            "title": f"{assignment.arm.label}, {assignment.config.stage}",
            "cutoffs": assignment.cutoffs,
            "in_parts": assignment.config.trial_id in self._in_parts,
        }

    @property
    def gave_up(self) -> bool:
        """Whether the search wants no more trials run."""
        return self._search.hopeless is not None

    def withdraw(self, trial_id: str) -> None:
        """Take back a trial that has not started."""
        del self.assignments[trial_id]

    def is_open(self) -> bool:
        """Tell whether trials may be handed out."""
        return self._gate is None or self._gate.is_open()

    def finish(self, trial_id: str, row: Row) -> None:
        """Tell the search how a trial ended."""
        self._search.finish(self.assignments.pop(trial_id).config.trial_id, row)

    def restart(self, trial_id: str, *, in_parts: bool) -> Assignment:
        """Hand a trial out again: it goes on from its last checkpoint, as another trial of Tune's.

        Args:
            in_parts: with smaller micro-batches, from now on.
        """
        assignment = self.assignments.pop(trial_id)
        self._again.append(assignment)
        if in_parts:
            self._in_parts.add(assignment.config.trial_id)
        return assignment

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Nothing: `_Watcher` tells the search, from the row that the trial wrote."""

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True


class _InOrder(FIFOScheduler):
    """Starts the trials in the order in which the search handed them out, and none once it gave up.

    Tune's own scheduler looks through all trials that there have been, and the live ones are a set: taken in
    its order, one trial may wait for most of a study, and its arm's confirm stage with it.
    """

    def __init__(self, searcher: _Searcher):
        super().__init__()
        self._searcher = searcher

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        controller = tune_controller._tune_controller
        _forget_ended(controller)
        live = tune_controller.get_live_trials()
        # One that has a worker already, and is only being handed to it, is still pending.
        waiting = {
            trial.trial_id: trial
            for trial in live
            if trial.status == Trial.PENDING and trial.temporary_state.ray_actor is None
        }
        if self._searcher.gave_up:
            for trial_id, trial in waiting.items():
                self._searcher.withdraw(trial_id)
                controller.stop_trial(trial)
            return None
        return next((waiting[i] for i in self._searcher.assignments if i in waiting), None)


class _Watcher(_NotPickled, TrialProgressCallback):
    """Passes on what happens to the trials, and writes the row of one whose process died.

    It stands in for Tune's own progress callback, of which it takes nothing: that one keeps every trial.
    """

    def __init__(self, searcher: _Searcher, job: Job, observers: Sequence[Observer]):
        self._searcher, self._job, self._observers = searcher, job, observers
        self._folder = ResultsFolder(job.results)
        self._folder.wait_for_store()
        self._deaths: Counter[tuple[str, str]] = Counter()
        self._started: set[str] = set()
        # What ends the study. Raised where it is found, Tune would take it for a fault of the trial.
        self._fault: Exception | None = None

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        check()
        if self._fault is not None:
            raise self._fault
        self._searcher.is_open()  # what closes the gate is to be said while all slots are busy, too

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self._started.add(trial.trial_id)
        for observer in self._observers:
            observer.started(self._searcher.assignments[trial.trial_id])

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
        if "progress" in result:
            for observer in self._observers:
                observer.progressed(self._searcher.assignments[trial.trial_id], result["progress"])

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        if trial.trial_id not in self._searcher.assignments:
            return  # it was withdrawn
        if refusal := trial.last_result.get("refusal"):
            self._fault = UserError(f"a trial can't run: {refusal}")
            return
        self._close(trial, "failed", "its process ended without leaving a row")

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        if trial.trial_id not in self._searcher.assignments:
            return  # it was closed or handed out again before: Tune may tell of a worker's death twice
        # Tune asks it at the end for what the trial never reported, and the worker is dead.
        trial._default_result_or_future = None
        trial_id = self._searcher.assignments[trial.trial_id].config.trial_id
        lost = self._folder.read_trial(trial_id) is None
        if lost and not self._searcher.is_open():
            # A full disk takes processes with it: the trial is not lost, it goes on when there is room.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reason = self._why(trial)
        self._deaths[trial_id, reason] += 1
        deaths = self._deaths[trial_id, reason]
        if lost and deaths <= RESTARTS[reason]:
            assignment = self._searcher.restart(trial.trial_id, in_parts=reason == OUT_OF_MEMORY)
            for observer in self._observers:
                observer.interrupted(assignment, reason)
        else:
            status = "out_of_memory" if reason == OUT_OF_MEMORY else "failed"
            self._close(trial, status, f"{reason} ({deaths} times)", _last_error(trial))

    def _why(self, trial: Any) -> str:
        """Return what happened to a trial whose worker died, one of RESTARTS."""
        error = _last_error(trial)
        if _has_lost_its_node(trial) or NO_ANSWER in error:
            return NODE_LOST
        if trial.trial_id not in self._started:
            return NEVER_STARTED
        # Ray's memory monitor acts at 95% of the host's or the container's memory, before the kernel has to.
        return OUT_OF_MEMORY if LOW_MEMORY in error else PROCESS_DIED

    def _close(self, trial: Any, status: str, reason: str, trace: str | None = None) -> None:
        self._started.discard(trial.trial_id)
        assignment = self._searcher.assignments[trial.trial_id]
        row: Row | None = self._folder.read_trial(assignment.config.trial_id)
        if row is None:
            row = self._write_lost(assignment, {"status": status, "reason": reason, "trace": trace})
        try:
            for observer in self._observers:
                observer.finished(assignment, row)
            self._searcher.finish(trial.trial_id, row)  # at last, for it may take a look at the study
        except Exception as error:
            self._fault = error

    def _write_lost(self, assignment: Assignment, ending: Row) -> Row:
        row = {
            **config_columns(assignment.config),
            **self._job.about,
            **ending,
            **assignment.columns,
            "log": self._folder.log_name(assignment.config.trial_id),
        }
        when_there_is_room(lambda: self._folder.finish_trial(row))
        return row


def _forget_ended(controller: Any) -> None:
    """Take the trials that have ended and hold no worker off Tune's lists, which would keep all to the end.

    The last one stays: without any, Tune would look for their results in its files.
    """
    ended = [
        trial
        for trial in controller._trials
        if trial.is_finished() and trial not in controller._trial_to_actor
    ]
    for trial in ended[:-1]:
        controller._trials.remove(trial)
        for others in (controller._stopped_trials, controller._failed_trials, controller._trials_to_cache):
            others.discard(trial)


_actor_task_failed = RayActorManager._actor_task_failed


def _actor_task_failed_or_killed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
    """Tell Tune of a process killed by Ray's memory monitor as of any other that died.

    Tune (Ray 2.60) does not expect the error that names this cause, or any but two, and would end the study.
    """
    if not isinstance(exception, (RayActorError, RayTaskError)):
        exception = RayActorError(error_msg=str(exception))
    _actor_task_failed(manager, tracked_actor_task, exception)


def _last_error(trial: Any) -> str:
    """Return what Ray says of a trial's last fault; its file holds them all."""
    return Path(trial.error_file).read_text(encoding="utf-8", errors="replace").rpartition("Failure # ")[2]


def _has_lost_its_node(trial: Any) -> bool:
    """Tell whether a trial's node has gone, and not just its process."""
    alive = {node["NodeID"]: node["Alive"] for node in ray.nodes()}
    # Not `trial.last_result`, which asks the worker when there is none: it is dead.
    node = trial.run_metadata.last_result.get("node")
    # One that never reported may not have run: then any lost node may have been its own.
    return not alive.get(node, False) if node else not all(alive.values())
