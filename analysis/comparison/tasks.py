"""The one task of studies that are compared: by other scores there is nothing to compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.errors import AnalysisError
from analysis.reading.folders import Study
from analysis.reading.tasks import MATH, Score, Task


def common_task(studies: Sequence[Study]) -> tuple[Task, list[str]]:
    """Return the task of all studies, and a sentence where its file is of several versions.

    Raises:
        AnalysisError: they are of several tasks, or of one by several primary scores.
    """
    if not studies:
        return MATH, []
    first = studies[0]
    for other in studies[1:]:
        if _key(other.task) != _key(first.task):
            raise AnalysisError(
                f"only studies of one task, by one primary score, can be compared: "
                f"'{first.root}' is of {_describe(first.task)}, '{other.root}' of {_describe(other.task)}"
                f"{_difference(first.task, other.task)}"
            )
    found = [(study.description.get("task") or {}).get("fingerprint") for study in studies]
    versions = set() if first.task.is_math else {version for version in found if version}
    note = f"The file of the task {first.task.name} is of {len(versions)} versions: their scores may differ."
    return first.task, [note] if len(versions) > 1 else []


def _key(task: Task) -> tuple[Any, ...]:
    return (task.name, task.primary.name, *map(_definition, task.scores))


def _definition(score: Score) -> tuple[Any, ...]:
    unit, direction = score.measure.unit, score.measure.lower_is_better
    return score.name, score.column, score.is_share, unit, direction, score.is_aggregate


def _describe(task: Task) -> str:
    return f"{task.name} by {task.primary.name}"


def _difference(first: Task, other: Task) -> str:
    return "; their scores are defined differently" if _describe(first) == _describe(other) else ""
