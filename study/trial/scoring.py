"""The scores of each answer of a trial, by its task: columns of the predictions.

A score that raises, gives no number, or one beyond its range fails the trial, and the message names the
question: it is never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from study.errors import UserError
from study.scores.jackknife import jackknife
from study.tasks import Aggregate, Score, Task

# Of a reading that is a mapping, what the predictions keep.
_KEPT = ("answer", "number", "outcome")
_MOST_SHOWN = 60


def score_outputs(
    task: Task, texts: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return of each output what was read of it and its scores, by the columns of the predictions.

    Args:
        rows: of each output its row, and the `target` that should have been written.

    Raises:
        UserError: a function of the task raised, or gave what is no score.
    """
    readings = _read(task, texts, rows)
    found = [_kept(task, reading) for reading in readings]
    for score in task.scores:
        values = _column(score, readings, rows)
        for columns, value in zip(found, values, strict=True):
            columns[score.column or score.name] = value
    return found


def _read(task: Task, texts: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    if task.read_all is not None:
        try:
            readings = task.read_all(texts, rows)
        except Exception as error:
            raise UserError(f"the task's read_all raised {_told(error)}") from error
        if len(readings) != len(texts):
            raise UserError(f"the task's read_all gave {len(readings)} readings of {len(texts)} outputs")
        return readings
    if (read := task.read) is None:
        return texts
    return _each("the task's read", lambda text, row: read(text, row), texts, rows)


def _kept(task: Task, reading: Any) -> dict[str, Any]:
    """Return what the predictions keep of a reading."""
    if isinstance(reading, Mapping):
        return {name: reading[name] for name in _KEPT if name in reading}
    if task.read is None and task.read_all is None:
        return {}
    return {"answer": None if reading is None else str(reading)}


def _column(score: Score, readings: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Return a score's value of each question; of an aggregate, its jackknife values."""
    if isinstance(score.of, Aggregate):
        counted = score.of.counts
        counts = _each(score.name, lambda r, row: counted(r, row["target"], row), readings, rows)
        try:
            total, values = jackknife(score.of, counts)
        except Exception as error:
            raise UserError(f"score {score.name} of the whole split raised {_told(error)}") from error
        _checked(score, total, "of the whole split")
        return values
    of = score.of
    values = _each(f"score {score.name}", lambda r, row: of(r, row["target"], row), readings, rows)
    return [_checked(score, value, _named(row)) for value, row in zip(values, rows, strict=True)]


def _checked(score: Score, value: Any, where: str) -> Any:
    """Return a score's value as its column holds it.

    Raises:
        UserError: it is no number, or beyond the score's range.
    """
    if value is None and score.undefined:
        return None
    if score.kind == "share":
        if value not in (0, 1):  # True and False too
            raise UserError(f"score {score.name} is a share: 0 or 1, received {value!r:.60} {where}")
        return bool(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"score {score.name} must be a number, received {value!r:.60} {where}") from None
    low = -math.inf if score.low is None else score.low
    high = math.inf if score.high is None else score.high
    if not (math.isfinite(number) and low <= number <= high):
        raise UserError(
            f"score {score.name} must lie in {low:g} to {high:g}, by its task, received {number:g} {where}"
        )
    return number


def _each(what: str, of: Callable[[Any, Any], Any], values: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """Return the value of each row.

    Raises:
        UserError: the function raised; its row is named.
    """
    found = []
    for value, row in zip(values, rows, strict=True):
        try:
            found.append(of(value, row))
        except Exception as error:
            raise UserError(f"{what} raised {_told(error)} {_named(row)}") from error
    return found


def _named(row: Mapping[str, Any]) -> str:
    """Return which question it is."""
    return f"at the question '{' '.join(str(row['question']).split())[:_MOST_SHOWN]}'"


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
