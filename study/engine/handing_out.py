"""What Tune asks for: which trial it gets next, and which of those that wait starts first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher
from ray.tune.search.search_generator import SearchGenerator

from study.engine.ray_internals.tune import forget_ended, has_worker
from study.machine.room import Gate
from study.search.assignment import Assignment
from study.search.search import StudySearch

Row = Mapping[str, Any]


class NotPickled:
    """Tune pickles its searcher and callbacks, to restore them; ours are made anew from the results."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Unsaved(SearchGenerator):
    """Tune's wrapper of a searcher, less its snapshots: a study is resumed from its rows.

    Tune renames a snapshot's file while it may be copying the one before: in a study with nothing left to run
    it often did, and logged the failed copy with a traceback.
    """

    def save_to_dir(self, dirpath: str, session_str: str) -> None:
        """Nothing."""


class HandingOut(NotPickled, Searcher):
    """Tune's view of the search: a configuration on request, nothing yet, or finished."""

    def __init__(self, search: StudySearch, gate: Gate | None, at_most: int):
        super().__init__(metric="finished", mode="max")
        self._search, self._gate, self._at_most = search, gate, at_most
        self._again: list[Assignment] = []
        self._in_parts: set[str] = set()
        self.assignments: dict[str, Assignment] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return what a worker gets of the next trial; None for now; or that there is none any more."""
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
        """Nothing: `TrialEvents` tells the search, from the row that the trial wrote."""

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        """Take no property: the search has its own."""
        return True


class InOrder(FIFOScheduler):
    """Starts the trials in the order in which the search handed them out, and none once it gave up.

    Tune's own scheduler looks through all trials that there have been, and the live ones are a set: taken in
    its order, one trial may wait for most of a study, and its arm's confirm stage with it.
    """

    def __init__(self, searcher: HandingOut):
        super().__init__()
        self._searcher = searcher

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Return the trial that starts next, or None."""
        forget_ended(tune_controller)
        live = tune_controller.get_live_trials()
        # One that has a worker already, and is only being handed to it, is still pending.
        waiting = {
            trial.trial_id: trial for trial in live if trial.status == Trial.PENDING and not has_worker(trial)
        }
        if self._searcher.gave_up:
            for trial_id, trial in waiting.items():
                self._searcher.withdraw(trial_id)
                tune_controller.stop_trial(trial)
            return None
        return next((waiting[i] for i in self._searcher.assignments if i in waiting), None)
