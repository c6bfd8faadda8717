"""The scores of search trials: their task's primary score on the validation split, in its unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.arms.arm import Arm
from analysis.reading.folders import Row
from analysis.reading.tasks import MATH, Score
from analysis.searching.spending import PRUNED


def search_score(row: Row, primary: Score = MATH.primary) -> float | None:
    """Return a search trial's score on the validation split: the worst that it can be if it failed.

    None if it was stopped early, or failed where the score can be ever worse.
    """
    if row.get("status") == PRUNED:
        return None
    score = row.get(primary.name)
    return float(score) if row.get("status") == "complete" and score is not None else primary.worst


def search_scores(rows: Sequence[Row], primary: Score = MATH.primary) -> list[float]:
    """Return the scores of search trials; one without a score gets the worst complete one."""
    scores = [search_score(row, primary) for row in rows]
    complete = [score for row, score in zip(rows, scores, strict=True) if row.get("status") == "complete"]
    known = [score for score in complete if score is not None]
    lowest = min(known, key=lambda score: primary.measure.sign * score, default=primary.worst or 0.0)
    return [lowest if score is None else score for score in scores]


def slices(arm: Arm, name: str) -> list[tuple[Any, float]]:
    """Return an arm's scored search trials as (value of a hyperparameter, score), by value."""
    scored = [(row.get(name), search_score(row, arm.task.primary)) for row in arm.search]
    points = [(value, score) for value, score in scored if value is not None and score is not None]
    return sorted(points, key=lambda point: (isinstance(point[0], str), point[0]))
