"""The scores of search trials: accuracies on the validation split (%)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.arms.arm import Arm
from analysis.reading.folders import Row

if TYPE_CHECKING:
    pass

from analysis.searching.spending import PRUNED


def search_score(row: Row) -> float | None:
    """Return a search trial's accuracy on the validation split (%): 0 if it failed, None if stopped early."""
    if row.get("status") == PRUNED:
        return None
    score = row.get("accuracy")
    return float(score) if row.get("status") == "complete" and score is not None else 0.0


def search_scores(rows: Sequence[Row]) -> list[float]:
    """Return the scores of search trials (%); one stopped early gets the lowest complete one."""
    scores = [search_score(row) for row in rows]
    complete = [score for row, score in zip(rows, scores, strict=True) if row.get("status") == "complete"]
    lowest = min((score for score in complete if score is not None), default=0.0)
    return [lowest if score is None else score for score in scores]


def slices(arm: Arm, name: str) -> list[tuple[Any, float]]:
    """Return an arm's scored search trials as (value of a hyperparameter, score), by value."""
    scored = [(row.get(name), search_score(row)) for row in arm.search]
    points = [(value, score) for value, score in scored if value is not None and score is not None]
    return sorted(points, key=lambda point: (isinstance(point[0], str), point[0]))
