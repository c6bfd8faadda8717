"""Which models are kept: of a replicate the best so far until it is scored, of an arm the best by validation.

A search trial writes its model to candidates/ before it is scored, since it may turn out to be the best. The
driver deletes what is beaten, and moves an arm's best to models/ once its test score is known. What is kept
depends on the rows alone, so a resumed study ends with the same models.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from study.config import make_config
from study.errors import UserError
from study.machine.durable import flush, replace
from study.machine.room import when_there_is_room
from study.plan.arms import Arm
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.observer import Observer

Row = Mapping[str, Any]

# In the folder of a model that is kept: the configuration that it was trained by, and its base.
TRIAL_FILE = "trial.json"


@dataclass(frozen=True, order=True)
class _Found:
    """A search trial, ordered by how good it is: of equal scores the earlier is the better."""

    score: float
    minus_number: int
    trial: str


class KeptModels(Observer):
    """Keeps and deletes models as the rows of their trials come in.

    Args:
        folder, plan: the study's.
        finished: trial -> row of what has finished already, of this run or of an earlier one. The rows come
            in once more, as they are found finished.
    """

    def __init__(self, folder: ResultsFolder, plan: Plan, finished: Mapping[str, Row]):
        self._folder = folder
        self._found: dict[tuple[str, int], _Found] = {}  # the best of each arm's replicate
        self._candidates = set(folder.candidates())
        # Arm -> the validation score of the search whose model it has, and its replicate times -1.
        self._kept = {
            arm.label: place
            for arm in plan.compared
            if finished and (place := self._place_of_kept(arm, finished)) is not None
        }

    def started(self, assignment: Assignment) -> None:
        """See `Observer`."""
        if assignment.keeps_its_model:
            self._candidates.add(assignment.config.trial_id)

    def finished(self, assignment: Assignment, row: Row) -> None:
        """See `Observer`."""
        if assignment.number is not None:
            self._take_searched(assignment, assignment.number, row)
        elif assignment.confirm_number == 0 and not assignment.arm.is_baseline:
            self._take_confirmed(assignment, row)

    def _take_searched(self, assignment: Assignment, number: int, row: Row) -> None:
        if row["status"] != "complete":
            self._drop(row["trial"])
            return
        place = (assignment.arm.label, assignment.replicate)
        new = _Found(row["search_score"], -number, row["trial"])
        best = self._found.get(place)
        self._found[place] = new if best is None else max(best, new)
        if best is not None:
            self._drop(min(best, new).trial)

    def _take_confirmed(self, assignment: Assignment, row: Row) -> None:
        label, replicate = assignment.arm.label, assignment.replicate
        found = self._found.pop((label, replicate), None)
        trial = assignment.config.trained_by or row["trial"]
        place = (found.score if found else 0.0, -replicate)
        best = self._kept.get(label)
        # A trial whose model was gone has made and kept it anew.
        self._candidates.add(trial)
        if row["status"] == "complete" and (best is None or place > best):
            when_there_is_room(lambda: self._promote(trial, assignment.arm.slug))
            self._kept[label] = place
        self._drop(trial)

    def _promote(self, trial: str, slug: str) -> None:
        candidate, kept = self._folder.candidates_path / trial, self._folder.model_path(slug)
        self._folder.fetch(candidate)
        if not candidate.is_dir():  # an earlier run has moved it, or the trainer kept none
            return
        flush(candidate)  # where there is no room, the old one is still there
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        replace(candidate, kept)
        self._folder.publish(kept)

    def _drop(self, trial: str) -> None:
        if trial in self._candidates:
            self._candidates.remove(trial)
            self._folder.remove(self._folder.candidates_path / trial)

    def _place_of_kept(self, arm: Arm, finished: Mapping[str, Row]) -> tuple[float, int] | None:
        """Return the place of the model that an earlier run has moved to models/; None if there is none."""
        path = self._folder.model_path(arm.slug) / TRIAL_FILE
        self._folder.fetch(path)
        try:
            trial = make_config(json.loads(path.read_text(encoding="utf-8"))["config"]).trial_id
        except (OSError, ValueError, KeyError, TypeError, UserError):
            return None
        replicate = finished.get(trial, {}).get("replicate")
        scores = [
            row["search_score"]
            for row in finished.values()
            if (row["arm"], row["replicate"], row["status"]) == (arm.label, replicate, "complete")
            and row["search_score"] is not None
        ]
        return (max(scores), -replicate) if scores and replicate is not None else None
