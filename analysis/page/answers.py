"""What the browser of predictions shows of an answer: its number, or what another task made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.reading.tasks import Score, Task

_OF_ALL = ("question_id", "question", "reference", "text", "similarity", "nll", "tokens")
_OF_MATH = (
    *("reference_number", "number", "correct", "correct_strict", "correct_lenient", "rouge1", "outcome"),
)
# How the page's two columns are sorted, and what they show: names of the columns of a block.
RIGHT, FIGURE, SIMILARITY = "right", "rouge1", "similarity"


@dataclass(frozen=True)
class Answer:
    """One answer as the page holds it.

    Attributes:
        number: what was read of the output; None where nothing was.
        expected: the same of the reference, where a cell has room for it.
        flags: 1 if it is right, 2 if it is by the strict rule, 4 by the lenient one.
        figure: one score of it, 3 digits; None where there is none.
        outcome: how it ended, of word problems.
        group: of its question, of other tasks.
    """

    number: str | None
    expected: str | None
    flags: int
    figure: float | None
    outcome: str | None = None
    group: str | None = None


def answer_columns(task: Task) -> tuple[str, ...]:
    """Return the predictions' columns that the browser reads, each once."""
    if task.is_math:
        return (*_OF_ALL, *_OF_MATH)
    scores = [score.column for score in (task.right, figure_of(task)) if score is not None]
    return tuple(dict.fromkeys((*_OF_ALL, task.answer, "group", *scores)))


def read_answer(task: Task, row: dict[str, Any]) -> Answer:
    """Return an answer from its row of predictions, which has the `answer_columns`."""
    if task.is_math:
        flags = bool(row["correct"]) + 2 * bool(row["correct_strict"]) + 4 * bool(row["correct_lenient"])
        figure = _rounded(row["rouge1"])
        return Answer(row["number"], row["reference_number"], flags, figure, row["outcome"])
    expected = row["reference"] if task.comparison in ("label", "number") else None
    flags = int(task.right is not None and bool(row[task.right.column]))
    score = figure_of(task)
    figure = None if score is None else _rounded(row[score.column])
    return Answer(row[task.answer], expected, flags, figure, group=row["group"])


def figure_of(task: Task) -> Score | None:
    """Return the score that is a number of each question: the primary one if it is; None where none is."""
    found = [score for score in (task.primary, *task.others) if not score.is_share and not score.is_aggregate]
    return found[0] if found else None


def shown_columns(task: Task) -> list[tuple[str, str]]:
    """Return the page's columns after the answer: name of a column of a block, header."""
    if task.is_math:
        return [(RIGHT, "right"), (FIGURE, "R-1")]
    score = figure_of(task)
    right = (
        []
        if task.right is None
        else [(RIGHT, "right" if task.right.column == "correct" else task.right.measure.name)]
    )
    figure = [] if score is None else [(FIGURE, score.measure.name)]
    return [*right, *figure, (SIMILARITY, "simil. %"), (FIGURE, "score")][:2]


def describe_task(task: Task) -> dict[str, Any] | None:
    """Return how the page shows a task's answers, as JSON; None of word problems, which it knows."""
    if task.is_math:
        return None
    score = figure_of(task)
    return {
        "comparison": task.comparison,
        "labels": list(task.labels),
        "right": None if task.right is None else task.right.measure.name,
        "figure": None if score is None else score.measure.name,
        "columns": [name for name, _ in shown_columns(task)],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
