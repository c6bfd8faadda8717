"""How often the analysis errs over simulated studies: false positives, power, coverage, looks, extensions.

Every rate is that of the project's own functions (`analysis.differences`, `intervals`) on the simulated answers
of `benchmarks.searched_studies`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from analysis.differences import ALPHA, Answers, Difference, compare_pair, holm
from analysis.intervals import share_interval
from benchmarks.searched_studies import Design, Surface, answer_test, search_arms, share_right, shift_for

Figures = dict[str, float]
# The differences whose detection is counted, in points.
GAPS = (3, 5)
# An extension: looked at after so many replicates, extended where p is below, to so many.
FIRST, EXTEND_BELOW, LAST = 5, 0.2, 12


def measure_pair(
    design: Design, surfaces: tuple[Surface, Surface], studies: int, generator: np.random.Generator
) -> Figures:
    """Return the rates of one planned pair: equal arms, and one better by 3 and by 5 points.

    `covered_mean`: the interval of a recipe's mean holds its expectation over searches, trainings and questions;
    `covered_difference_at_N`: that of the difference holds the recipes' difference. `found_percent`,
    `repeat_sd_points`: true accuracy of what is scored on test, its mean and its sd over repeats.
    """
    skills = equal_arms(search_arms(design, surfaces, generator, studies))
    right = 100 * share_right(skills)
    # The mean of all replicates simulated; its own error is under a fiftieth of an interval's.
    truth = float(right.mean()) / 100
    pairs = [_compare(scores) for scores in answer_test(skills, design.test, generator)]
    covered = [_holds(scores, truth) for scores in answer_test(skills, design.test, generator)]
    figures = {
        "false_positives": _share(pair.p is not None and pair.p < ALPHA for pair in pairs),
        "covered_mean": float(np.mean(covered)),
        "found_percent": float(right.mean()),
        "repeat_sd_points": float(right.mean(axis=-1).std() if design.replicates > 1 else right.std()),
    }
    for points in GAPS:
        figures |= _measure_gap(design, skills, points, generator)
    return figures


def equal_arms(skills: np.ndarray) -> np.ndarray:
    """Return the skills with arms of different surfaces shifted to one mean accuracy."""
    first = skills[:, 0]
    for arm in range(1, skills.shape[1]):
        gap = 100 * float(share_right(first).mean() - share_right(skills[:, arm]).mean())
        skills[:, arm] += shift_for(gap, skills[:, arm])
    return skills


def _measure_gap(design: Design, skills: np.ndarray, points: int, generator: np.random.Generator) -> Figures:
    better = skills.copy()
    better[:, 1] += shift_for(points, skills[:, 1])
    pairs = [_compare(scores) for scores in answer_test(better, design.test, generator)]
    return {
        f"power_at_{points}": _share(_sees(pair, "1") for pair in pairs),
        f"covered_difference_at_{points}": _share(_difference_holds(pair, points / 100) for pair in pairs),
    }


def _compare(scores: Sequence[np.ndarray]) -> Difference:
    return compare_pair(Answers("0", scores[0]), Answers("1", scores[1]))


def _sees(pair: Difference, better: str) -> bool:
    return pair.p is not None and pair.p < ALPHA and pair.better == better


def _difference_holds(pair: Difference, truth: float) -> bool:
    signed = truth if pair.better == "1" else -truth
    assert pair.estimate.low is not None
    assert pair.estimate.high is not None
    return pair.estimate.low <= signed <= pair.estimate.high


def _holds(scores: Sequence[np.ndarray], truth: float) -> float:
    intervals = [share_interval(matrix) for matrix in scores]
    return _share(i.low is not None and i.high is not None and i.low <= truth <= i.high for i in intervals)


def _share(flags: Any) -> float:
    return float(np.mean(list(flags)))
