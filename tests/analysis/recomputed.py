"""Figures of a verdict once more, by code of another kind: plain loops, and scipy's root finder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from scipy import optimize, stats

Scores = Sequence[Sequence[float]]


def read_points(root: Path) -> dict[str, list[list[float]]]:
    """Return arm -> its replicates x questions, 0 to 100, from the files alone; seeds averaged."""
    replicates: dict[str, dict[Any, list[dict[str, bool]]]] = {}
    for path in sorted((root / "trials").glob("*.parquet")):
        (row,) = pq.read_table(path).to_pylist()
        if row["stage"] != "confirm":
            continue
        answers = pq.read_table(root / "predictions" / path.name).to_pylist()
        own = {answer["question_id"]: answer["correct"] for answer in answers}
        replicates.setdefault(row["arm"], {}).setdefault(row["replicate"], []).append(own)
    return {
        arm: [_average(trials) for _, trials in sorted(own.items(), key=str)]
        for arm, own in replicates.items()
    }


def _average(trials: Sequence[Mapping[str, bool]]) -> list[float]:
    return [100 * sum(trial[question] for trial in trials) / len(trials) for question in sorted(trials[0])]


def variance_by_loops(
    terms: Sequence[tuple[Scores, float]],
) -> tuple[float, float, float, float, float]:
    """Return a contrast's mean and variance, cell by cell.

    The variance as its repeats' part, Welch's degrees of freedom of it, the questions' part alone, and what
    it would be if repeats made no difference.
    """
    questions = len(terms[0][0][0])
    by_question = []
    for j in range(questions):
        total = 0.0
        for scores, weight in terms:
            total += weight * sum(row[j] for row in scores) / len(scores)
        by_question.append(total)
    mean = sum(by_question) / questions
    together = sum((value - mean) ** 2 for value in by_question) / (questions - 1) / questions
    repeats, below, residuals = 0.0, 0.0, 0.0
    for scores, weight in terms:
        k = len(scores)
        rows = [sum(row) / questions for row in scores]
        columns = [sum(row[j] for row in scores) / k for j in range(questions)]
        grand = sum(rows) / k
        part = weight**2 * sum((row - grand) ** 2 for row in rows) / (k - 1) / k
        left = sum(
            (scores[i][j] - rows[i] - columns[j] + grand) ** 2 for i in range(k) for j in range(questions)
        )
        residuals += weight**2 * left / ((k - 1) * (questions - 1)) / (k * questions)
        repeats += part
        below += part**2 / (k - 1)
    return mean, repeats, repeats**2 / below, max(together - residuals, 0.0), together


def p_by_root(terms: Sequence[tuple[Scores, float]]) -> float:
    """Return the p-value of a contrast: the level at which its interval ends at 0."""
    mean, repeats, df, questions, together = variance_by_loops(terms)
    n = len(terms[0][0][0])

    def margin(p: float) -> float:
        by_repeats, by_questions = stats.t.ppf(1 - p / 2, df), stats.t.ppf(1 - p / 2, n - 1)
        weight = (repeats / (repeats + questions)) ** (1.75 - 0.5 / df)
        critical = weight * by_repeats + (1 - weight) * by_questions
        return max(critical * (repeats + questions) ** 0.5, by_questions * together**0.5)

    return float(optimize.brentq(lambda p: margin(p) - abs(mean), 1e-11, 1, xtol=1e-14, rtol=1e-12))
