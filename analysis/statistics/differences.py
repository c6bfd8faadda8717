"""Differences between arms on the same questions: how large, and how sure.

A difference is a contrast: the mean of some arms less the mean of some others, each arm with its weight. All
answer the same questions, each in repeats of its own. Its variance has the questions' part, from the contrast
question by question (Miller 2024, arXiv 2411.00640, section 3.3), and for each arm its repeats' part,
weight^2 MS_repeat / (k n), as in `intervals`. The repeats' parts together have Welch's degrees of
freedom (Welch 1947), and the critical value is Cochran's: the mean of the repeats' t and the questions' t,
weighted by their parts. A difference's margin never falls below what it would be if repeats made no
difference: repeats that agree by chance would otherwise be rewarded. Holm's correction goes over a family of
differences (Holm 1979).

How often equal arms are called different: benchmarks/results/coverage.json for given configurations,
benchmarks/results/protocol.json for whole searches.

Two tests that reports often have are left out on purpose. McNemar's needs one answer a question: a majority
over repeats is another system than the recipe. A bootstrap over few repeats calls too much different, for
they can't be resampled (Owen 2007, arXiv 0712.1111).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.statistics.intervals import SMALLEST_P, Estimate, Matrix, MeanSquares, Uncertainty, mean_squares
from analysis.units import Measure

POINTS = Measure()

ALPHA = 0.05
# Of the margin that a difference would have if repeats made no difference: all of it.
LEAST_SHARE = 1.0


@dataclass(frozen=True)
class Answers:
    """What a comparison needs of an arm.

    Attributes:
        scores: repeats x questions; more is better: where less is, they are the scores times -1.
        deterministic: whether nothing varies them.
        measure: what they are measured in.
    """

    name: str
    scores: Matrix
    deterministic: bool = False
    measure: Measure = POINTS

    @property
    def has_spread(self) -> bool:
        """Whether the repeats' part of the variance is known."""
        return self.deterministic or len(self.scores) > 1

    @functools.cached_property
    def squares(self) -> MeanSquares:
        """The analysis of variance of the scores: every difference of the arm needs it."""
        return mean_squares(self.scores)

    @functools.cached_property
    def by_question(self) -> np.ndarray:
        """The mean over the repeats, one a question."""
        return self.scores.mean(axis=0)


@dataclass(frozen=True)
class Difference:
    """By how much one side is better than another, in the scores' unit: never below 0.

    Attributes:
        better, worse: two arms, or for a main effect two levels of a factor.
        estimate: mean and interval, not corrected for the number of differences; no interval where an arm
            has one repeat.
        p: two-sided, 1e-12 at least; None where there is no interval. `p_holm` is it after Holm's correction
            over the differences that were asked for together, and over the looks where there were several.
        level: confidence level of the interval: above 95% where looks share the 5%.
        arms: the arms in it and their weights: positive ones those of `better`.
        repeats: how many repeats its trained arms have, each number once.
        over: for a main effect, the cells that it is averaged over.
        is_planned: whether the space asks for it; the others are exploratory.
        uncertainty: of the estimate; None where there is no interval, or no spread at all.
        decided_at: the replicates after which a look decided it; None where none did.
        measure: what the scores are measured in: where less is better, `better` has so much less.
    """

    better: str
    worse: str
    estimate: Estimate
    p: float | None = None
    p_holm: float | None = None
    level: float = 1 - ALPHA
    arms: Mapping[str, float] = field(default_factory=dict)
    repeats: tuple[int, ...] = ()
    over: tuple[str, ...] = ()
    is_planned: bool = False
    uncertainty: Uncertainty | None = None
    decided_at: int | None = None
    measure: Measure = POINTS

    @property
    def is_clear(self) -> bool:
        """Whether the two can be told apart, over all that were asked for together."""
        return self.p_holm is not None and self.p_holm < ALPHA

    def at_level(self, level: float) -> Difference:
        """Return the difference with an interval of another confidence level."""
        if self.uncertainty is None:
            return replace(self, level=level)
        half = self.uncertainty.margin((1 + level) / 2)
        mean = self.estimate.mean
        return replace(self, level=level, estimate=Estimate(mean, mean - half, mean + half))


def compare_pair(first: Answers, second: Answers) -> Difference:
    """Return the difference of two arms that answered the same questions, the better one first."""
    return contrast(first.name, second.name, [(first, 1.0), (second, -1.0)])


def contrast(first: str, second: str, terms: Sequence[tuple[Answers, float]]) -> Difference:
    """Return a weighted sum of arms as a difference, the better side first.

    Args:
        first, second: names of the sides with positive and with negative weights.
        terms: the arms, all on the same questions, with their weights, which sum to 0.
    """
    by_question = sum(weight * arm.by_question for arm, weight in terms)
    assert isinstance(by_question, np.ndarray)
    mean = float(by_question.mean())
    if mean < 0:
        return contrast(second, first, [(arm, -weight) for arm, weight in terms])
    repeats = tuple(sorted({len(arm.scores) for arm, _ in terms if not arm.deterministic}))
    weights = {arm.name: weight for arm, weight in terms}
    measure = terms[0][0].measure
    bare = Difference(first, second, Estimate(mean), arms=weights, repeats=repeats, measure=measure)
    if not all(arm.has_spread for arm, _ in terms) or len(by_question) < 2:
        return bare
    uncertainty = _uncertainty(by_question, terms)
    if uncertainty.is_none:
        return replace(bare, estimate=Estimate(mean, mean, mean), p=_sign_test(mean, len(by_question)))
    tested = replace(bare, p=uncertainty.p_value(mean), uncertainty=uncertainty)
    return tested.at_level(1 - ALPHA)


def _uncertainty(by_question: np.ndarray, terms: Sequence[tuple[Answers, float]]) -> Uncertainty:
    n = len(by_question)
    together = float(by_question.var(ddof=1)) / n
    varying = [(arm.squares, weight) for arm, weight in terms if len(arm.scores) > 1]
    repeats = [(weight**2 * squares.repeats / (squares.k * n), squares.k - 1) for squares, weight in varying]
    residual = sum(weight**2 * squares.residual / (squares.k * n) for squares, weight in varying)
    part = sum(variance for variance, _ in repeats)
    questions = max(together - residual, 0.0)
    return Uncertainty(part, _welch(repeats, part), questions, n - 1, together, LEAST_SHARE)


def _welch(parts: Sequence[tuple[float, int]], together: float) -> float:
    spread = sum(variance**2 / df for variance, df in parts)
    return together**2 / spread if spread else np.inf


def _sign_test(mean: float, questions: int) -> float:
    """Return the p-value where every question differs by the same: there is no spread to test against.

    The exact sign test over the questions (Conover 1999, Practical Nonparametric Statistics, section 3.4):
    all have one sign.
    """
    return max(2 * 0.5**questions, SMALLEST_P) if mean else 1.0


def correct_together(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences with Holm's correction over those that were tested (Holm 1979)."""
    tested = [difference.p for difference in differences if difference.p is not None]
    adjusted = iter(holm(tested))
    return [d if d.p is None else replace(d, p_holm=next(adjusted)) for d in differences]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p-values, in the order of `p_values`."""
    count, largest = len(p_values), 0.0
    adjusted = [0.0] * count
    for step, index in enumerate(sorted(range(count), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (count - step) * p_values[index]))
        adjusted[index] = largest
    return adjusted


@dataclass(frozen=True)
class Ranks:
    """The ranks that an arm may have: from `first` to `last`."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def rank_arms(names: Sequence[str], differences: Sequence[Difference]) -> dict[str, Ranks]:
    """Return each arm's ranks: behind all that clearly beat it, before all that it clearly beats.

    With Holm's correction over all pairs the ranks of all arms hold together with 95% confidence (Mogstad,
    Romano, Shaikh & Wilhelm 2023, Review of Economic Studies, doi 10.1093/restud/rdad006). Arms that
    can't be told apart overlap: none is put before another for being measured more precisely.
    """
    clear = [difference for difference in differences if difference.is_clear]
    return {
        name: Ranks(
            1 + sum(difference.worse == name for difference in clear),
            len(names) - sum(difference.better == name for difference in clear),
        )
        for name in names
    }
