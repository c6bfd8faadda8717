"""Which models are kept: of a replicate the best so far until it is scored, of an arm the best by validation.

A search trial writes its model to candidates/ before it is scored, since it may turn out to be the best. The
driver deletes what is beaten, and moves an arm's best to models/ once its test score is known. What is kept
depends on the rows alone, so a resumed study ends with the same models.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from study.durable import replace
from study.observer import Observer
from study.results import ResultsFolder
from study.search import Assignment


@dataclass(frozen=True, order=True)
class _Found:
    """A search trial, ordered by how good it is: of equal scores the earlier is the better."""

    score: float
    minus_number: int
    trial: str


class KeptModels(Observer):
    """Keeps and deletes models as the rows of their trials come in."""

    def __init__(self, folder: ResultsFolder):
        self._folder = folder
        self._found: dict[tuple[str, int], _Found] = {}  # the best of each arm's replicate
        self._kept: dict[str, tuple[float, int]] = {}  # arm -> validation score, and its replicate times -1
        self._candidates = set(folder.candidates())

    def started(self, assignment: Assignment) -> None:
        """See `Observer`."""
        if assignment.keeps_its_model:
            self._candidates.add(assignment.config.trial_id)

    def finished(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        """See `Observer`."""
        if assignment.number is not None:
            self._take_searched(assignment, assignment.number, row)
        elif assignment.confirm_number == 0 and not assignment.arm.is_baseline:
            self._take_confirmed(assignment, row)

    def _take_searched(self, assignment: Assignment, number: int, row: Mapping[str, Any]) -> None:
        if row["status"] != "complete":
            self._drop(row["trial"])
            return
        place = (assignment.arm.label, assignment.replicate)
        new = _Found(row["search_score"], -number, row["trial"])
        best = self._found.get(place)
        self._found[place] = new if best is None else max(best, new)
        if best is not None:
            self._drop(min(best, new).trial)

    def _take_confirmed(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        label, replicate = assignment.arm.label, assignment.replicate
        found = self._found.pop((label, replicate), None)
        trial = assignment.config.trained_by or row["trial"]
        place = (found.score if found else 0.0, -replicate)
        best = self._kept.get(label)
        if row["status"] == "complete" and (best is None or place > best):
            self._kept[label] = place
            self._promote(trial, assignment.arm.slug)
        self._drop(trial)

    def _promote(self, trial: str, slug: str) -> None:
        if trial not in self._candidates:  # an earlier run of the study has moved it
            return
        candidate, kept = self._folder.candidates_path / trial, self._folder.model_path(slug)
        self._folder.fetch(candidate)
        if not candidate.is_dir():  # it was trained again to be scored, and not kept
            return
        shutil.rmtree(kept, ignore_errors=True)
        replace(candidate, kept)
        self._folder.publish(kept)

    def _drop(self, trial: str) -> None:
        if trial in self._candidates:
            self._candidates.remove(trial)
            self._folder.remove(self._folder.candidates_path / trial)
