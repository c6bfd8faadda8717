"""How good the best of n search trials is to be expected: over random trials, for n up to half of them.

Scores are the primary ones on the validation split. A trial that failed scores the worst that there is, 0% of
right answers: it used up its place. One that early stopping ended was never scored; it lagged behind its
arm's others, so it counts as the worst of those that completed.

The estimate takes trials for exchangeable draws. Random ones are; the profile's guess, and what Optuna's
sampler proposed knowing other trials, are not, and stay out. Beyond half of the N trials it rests on a
handful of the largest scores: at n = N its range has no width, where it is known least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.arms.arm import Arm
from analysis.reading.folders import Row
from analysis.reading.tasks import Score
from analysis.searching.scores import search_scores

FEWEST_RANDOM = 4
RANDOM = "random"
# Before schema 2 no row says who proposed it: first the profile's guess, then at least two random ones.
_RANDOM_OF_OLD = (1, 2)
_CAPTION = "random trials, replicates pooled; up to half of them:\nbeyond, a handful of the {} scores decides"


@dataclass(frozen=True)
class BestOf:
    """The best of `trials` search trials: its expectation, and the range that holds 95% of the draws."""

    trials: int
    expected: float
    low: float
    high: float


def caption(primary: Score) -> str:
    """Return what the expectation rests on, in two lines."""
    return _CAPTION.format("least" if primary.measure.lower_is_better else "largest")


def random_trials(arm: Arm) -> list[Row]:
    """Return the search trials of an arm that were proposed at random, of all its replicates."""
    return [row for row in arm.search if _is_random(row)]


def _is_random(row: Row) -> bool:
    if (origin := row.get("search_origin")) is not None:
        return bool(origin == RANDOM)
    return row.get("search_number") in _RANDOM_OF_OLD


def best_of_random(arm: Arm) -> list[BestOf]:
    """Return the expected best of 1, 2, ... random trials; empty where there are too few of them."""
    trials = random_trials(arm)
    if len(trials) < FEWEST_RANDOM:
        return []
    primary = arm.task.primary
    found = expected_best([primary.measure.sign * score for score in search_scores(trials, primary)])
    return [_turned(best) for best in found] if primary.measure.lower_is_better else found


def _turned(best: BestOf) -> BestOf:
    return BestOf(best.trials, -best.expected, -best.high, -best.low)


def expected_best(scores: Sequence[float]) -> list[BestOf]:
    """Return the expected best of 1, 2, ... trials, up to half of all.

    Dodge et al. 2019 (arXiv 1909.03004), in the unbiased form that draws without replacement (Tang et al.
    2020, arXiv 2004.13705): the i-th smallest of N scores is the best of n with probability
    C(i - 1, n - 1) / C(N, n).
    """
    ordered, count = sorted(scores), len(scores)
    curve = []
    for n in range(1, count // 2 + 1):
        chances = [math.comb(i, n - 1) / math.comb(count, n) for i in range(count)]
        expected = sum(chance * score for chance, score in zip(chances, ordered, strict=True))
        low, high = (_quantile(ordered, chances, share) for share in (0.025, 0.975))
        curve.append(BestOf(n, expected, low, high))
    return curve


def _quantile(ordered: Sequence[float], chances: Sequence[float], share: float) -> float:
    reached = 0.0
    for score, chance in zip(ordered, chances, strict=True):
        reached += chance
        if reached >= share - 1e-12:
            return score
    return ordered[-1]


def too_few_sentence(arms: Sequence[Arm], names: Sequence[str]) -> str | None:
    """Return for which arms there is no expected best of n, and why; None where there is for all."""
    few = [name for arm, name in zip(arms, names, strict=True) if len(random_trials(arm)) < FEWEST_RANDOM]
    if not few:
        return None
    which = "any arm" if len(few) == len(arms) else ", ".join(few)
    old = any(row.get("search_origin") is None for arm in arms for row in arm.search)
    unknown = " (old rows don't say which were; of each search the second and third count)" if old else ""
    return (
        f"No expected best of n for {which}: it takes {FEWEST_RANDOM} search trials that were proposed at "
        f"random{unknown}."
    )
