"""The jackknife: an aggregate score as a column of values, one a question, whose mean is the score.

    value, column = jackknife(macro_f1, [{"tp a": 1.0}, {"fn a": 1.0, "fp b": 1.0}])

The column of a score T of n questions holds T + (n - 1) (M - T_i), T_i being the score without the question
and M the mean of these (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 11).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from study.tasks import Aggregate

Counts = Mapping[str, float]


def jackknife(aggregate: Aggregate, counts: Sequence[Counts]) -> tuple[float, list[float]]:
    """Return the score of all questions, and the column.

    The score without a question is that of the sums less its counts; equal counts are computed once.

    Args:
        aggregate: the score.
        counts: what each question adds, by name; a name that a question lacks counts 0. Whole numbers, as
            counts are, are subtracted exactly.
    """
    sums = sum_up(counts)
    value = float(aggregate.value(sums))
    if len(counts) == 1:
        return value, [value]
    known: dict[tuple[tuple[str, float], ...], float] = {}
    without = []
    for of in counts:
        key = tuple(sorted(of.items()))
        if key not in known:
            known[key] = float(aggregate.value(_less(sums, of)))
        without.append(known[key])
    middle = math.fsum(without) / len(without)
    return value, [value + (len(counts) - 1) * (middle - one) for one in without]


def sum_up(counts: Sequence[Counts]) -> dict[str, float]:
    """Return the sums of counts by name."""
    by_name: dict[str, list[float]] = {}
    for of in counts:
        for name, amount in of.items():
            by_name.setdefault(name, []).append(amount)
    return {name: math.fsum(amounts) for name, amounts in by_name.items()}


def _less(sums: Mapping[str, float], of: Counts) -> dict[str, float]:
    return {**sums, **{name: sums[name] - amount for name, amount in of.items()}}
