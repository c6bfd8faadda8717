"""What happens to the trials, as Tune tells it: passed on to the search and to the observers.

A trial whose process died is handed out again, or closed with a row that says what befell it.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.tune.progress_reporter import TrialProgressCallback

from study.engine.handing_out import HandingOut, NotPickled
from study.engine.ray_internals.tune import LOW_MEMORY, NO_ANSWER, forget_unreported, last_error
from study.engine.worker import Job
from study.errors import UserError
from study.machine.interruption import check
from study.machine.room import when_there_is_room
from study.results.finished import read_ended
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.trial.record import config_columns

Row = Mapping[str, Any]

NODE_LOST = "its node died"
NEVER_STARTED = "its worker process died before it began"
PROCESS_DIED = "its worker process died"
OUT_OF_MEMORY = "the host is out of memory"
# How often a trial is started again, by what happened to it. A spot machine may be taken away several times,
# which is no fault of the trial's.
RESTARTS = {NODE_LOST: 20, NEVER_STARTED: 5, PROCESS_DIED: 1, OUT_OF_MEMORY: 1}


class TrialEvents(NotPickled, TrialProgressCallback):
    """Passes on what happens to the trials, and writes the row of one whose process died.

    It stands in for Tune's own progress callback, of which it takes nothing: that one keeps every trial.
    """

    def __init__(self, searcher: HandingOut, job: Job, observers: Sequence[Observer]):
        self._searcher, self._job, self._observers = searcher, job, observers
        self._columns = [name for observer in observers for name in observer.asks_for]
        self._folder = ResultsFolder(job.results)
        self._folder.wait_for_store()
        self._deaths: Counter[tuple[str, str]] = Counter()
        self._started: set[str] = set()
        # What each trial has reported last. Tune keeps it, too, but asks a worker where there is nothing.
        self._reported: dict[str, Mapping[str, Any]] = {}
        # What ends the study. Raised where it is found, Tune would take it for a fault of the trial.
        self._fault: Exception | None = None

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        """End the study, where something has happened that ends it."""
        check()
        if self._fault is not None:
            raise self._fault
        self._searcher.is_open()  # what closes the gate is to be said while all slots are busy, too

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Tell that a trial was given a slot."""
        self._started.add(trial.trial_id)
        for observer in self._observers:
            observer.started(self._searcher.assignments[trial.trial_id])

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
        """Tell what a trial has reported."""
        self._reported[trial.trial_id] = result
        if "progress" in result:
            for observer in self._observers:
                observer.progressed(self._searcher.assignments[trial.trial_id], result["progress"])

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Close a trial whose process says that it is done."""
        if trial.trial_id not in self._searcher.assignments:
            return  # it was withdrawn
        if refusal := self._reported.get(trial.trial_id, {}).get("refusal"):
            self._fault = UserError(f"a trial can't run: {refusal}")
            return
        self._close(trial, "failed", "its process ended without leaving a row")

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Hand a trial out again whose process died, or close it where that has happened too often."""
        if trial.trial_id not in self._searcher.assignments:
            return  # it was closed or handed out again before: Tune may tell of a worker's death twice
        forget_unreported(trial)
        trial_id = self._searcher.assignments[trial.trial_id].config.trial_id
        lost = self._folder.read_trial(trial_id, ["status", "config_json"]) is None
        if lost and not self._searcher.is_open():
            # A full disk takes processes with it: the trial is not lost, it goes on when there is room.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reason = self._why(trial)
        self._deaths[trial_id, reason] += 1
        deaths = self._deaths[trial_id, reason]
        if lost and deaths <= RESTARTS[reason]:
            self._reported.pop(trial.trial_id, None)
            assignment = self._searcher.restart(trial.trial_id, in_parts=reason == OUT_OF_MEMORY)
            for observer in self._observers:
                observer.interrupted(assignment, reason)
        else:
            status = "out_of_memory" if reason == OUT_OF_MEMORY else "failed"
            self._close(trial, status, f"{reason} ({deaths} times)", last_error(trial))

    def _why(self, trial: Any) -> str:
        """Return what happened to a trial whose worker died, one of RESTARTS."""
        error = last_error(trial)
        node = self._reported.get(trial.trial_id, {}).get("node")
        if _is_lost(node) or NO_ANSWER in error:
            return NODE_LOST
        if trial.trial_id not in self._started:
            return NEVER_STARTED
        # Ray's memory monitor acts at 95% of the host's or the container's memory, before the kernel has to.
        return OUT_OF_MEMORY if LOW_MEMORY in error else PROCESS_DIED

    def _close(self, trial: Any, status: str, reason: str, trace: str | None = None) -> None:
        self._started.discard(trial.trial_id)
        self._reported.pop(trial.trial_id, None)
        assignment = self._searcher.assignments[trial.trial_id]
        row = read_ended(self._folder, assignment.config.trial_id, self._columns)
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


def _is_lost(node: str | None) -> bool:
    """Tell whether a trial's node has gone, and not just its process.

    Args:
        node: of which the trial told; of one that told of none, any lost node may have been its own.
    """
    alive = {known["NodeID"]: known["Alive"] for known in ray.nodes()}
    return not alive.get(node, False) if node else not all(alive.values())
