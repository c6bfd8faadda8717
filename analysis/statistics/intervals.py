"""Means with 95% intervals over repeats and questions: the uncertainty of every score and cost in the tables.

A repeat is what varies from row to row of an arm's scores: a replicate (a whole search and the model that it
found), or, where an arm was searched once, a seed of the configuration found. A score is measured for every
question in every repeat, so questions and repeats are crossed random effects, y_ij = mu + repeat_i +
question_j + residual_ij, and the mean over all of them has the variance

    MS_repeat / (k n)  +  (MS_question - MS_residual) / (k n)        for k repeats and n questions

(Searle, Casella & McCulloch 1992, Variance Components, chapter 4; for questions alone Miller 2024, arXiv
2411.00640). The first part rests on k - 1 degrees of freedom, the second on n - 1, and one t with
Satterthwaite's degrees of freedom for their sum covers too little, because a first part that is small by
chance also looks well known. The critical value is therefore Cochran's (1964, Biometrics 20, 191-195; Cochran
& Cox 1957, Experimental Designs, section 4.14): the mean of the two parts' t, weighted by their parts of the
variance (to a power that was fitted, see `weight_power`). A share (accuracy) near 0 or 100% has no symmetric
interval: it gets Wilson's, with the same standard error and critical value (Wilson 1927; Franco et al. 2019,
doi 10.1093/jssam/smy019). Where a replicate has several confirm seeds its row holds their means: the
replicates' mean square then includes what the seeds add, and the same formulas hold for the nested design:
the seeds of a replicate are no repeats of their own.

What simulated studies make of these intervals: benchmarks/results/coverage.json for a given configuration,
benchmarks/results/protocol.json for whole searches. A single repeat has no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

UPPER = 0.975  # of a two-sided 95% interval
# The least width of a mean's interval beside that over questions alone: less, and two repeats that agree by
# chance cover too little where few answers are right; more, and three cover too much.
LEAST_SHARE = 0.6
# A variance below it is rounding: one answer more in a million would be a million times as much.
NO_VARIANCE = 1e-20
# Below it 1 - p / 2 has too few digits.
SMALLEST_P = 1e-12
Matrix = np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95% interval; `low` and `high` are None where the data can't give one."""

    mean: float
    low: float | None = None
    high: float | None = None

    def scaled(self, factor: float) -> Estimate:
        """Return the estimate in another unit."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Estimate(self.mean * factor, low, high)

    def within(self, least: float | None, most: float | None) -> Estimate:
        """Return the estimate with an interval that ends where its range does; the mean is left alone."""
        if self.low is None or self.high is None:
            return self
        low = self.low if least is None else max(self.low, min(least, self.mean))
        high = self.high if most is None else min(self.high, max(most, self.mean))
        return Estimate(self.mean, low, high)


@dataclass(frozen=True)
class MeanSquares:
    """Analysis of variance of a repeats x questions matrix: its shape, mean and mean squares.

    Attributes:
        questions: mean square of the question means; `repeats` and `residual` are 0 for a single repeat.
    """

    k: int
    n: int
    mean: float
    repeats: float
    questions: float
    residual: float

    @property
    def uncertainty(self) -> Uncertainty:
        """The uncertainty of the mean."""
        cells = self.k * self.n
        pure = max(self.questions - self.residual, 0.0) / cells
        return Uncertainty(self.repeats / cells, self.k - 1, pure, self.n - 1, self.questions / cells)


@dataclass(frozen=True)
class Uncertainty:
    """The variance of an estimate in two parts, and how well each is known.

    Attributes:
        repeats: the repeats' part of the variance, the residual's included, with `repeat_df` degrees of
            freedom.
        questions: the questions' part alone, with `question_df`.
        without_repeats: what the variance would be if repeats made no difference, the residual included.
        least_share: the least margin, as a share of that which `without_repeats` alone would give.
    """

    repeats: float
    repeat_df: float
    questions: float
    question_df: float
    without_repeats: float
    least_share: float = LEAST_SHARE

    @property
    def is_none(self) -> bool:
        """Whether the data show no variance at all."""
        return self.repeats + self.without_repeats < NO_VARIANCE

    def margin(self, probability: float) -> float:
        """Return the quantile of the estimate's error at `probability`, in the estimate's unit.

        It is never below `least_share` of that over questions alone: two or three repeats that agree by
        chance would otherwise give an interval of hardly any width.
        """
        repeat_df = max(self.repeat_df, 1)
        by_repeats = t_quantile(probability, repeat_df)
        by_questions = t_quantile(probability, self.question_df)
        variance = self.repeats + self.questions
        weight = (self.repeats / variance) ** weight_power(repeat_df) if variance else 0.0
        critical = weight * by_repeats + (1 - weight) * by_questions
        return max(critical * variance**0.5, self.least_share * by_questions * self.without_repeats**0.5)

    def p_value(self, estimate: float) -> float:
        """Return the two-sided p-value of an estimate against 0: where the interval's bound is 0."""
        low, high = SMALLEST_P, 1.0
        if self.margin(1 - low / 2) <= abs(estimate):
            return low
        while high / low > 1 + 1e-9:
            middle = (low * high) ** 0.5
            low, high = (low, middle) if self.margin(1 - middle / 2) <= abs(estimate) else (middle, high)
        return high


def weight_power(repeat_df: float) -> float:
    """Return the power to which the repeats' part of a variance weighs their t.

    Fitted by simulation: with Cochran's own, 1, intervals over few repeats cover a point or two too much.
    """
    return 1.75 - 0.5 / repeat_df


def mean_squares(scores: Matrix) -> MeanSquares:
    """Return the two-way analysis of variance without replication of a repeats x questions matrix."""
    k, n = scores.shape
    mean = float(scores.mean())
    by_repeat, by_question = scores.mean(axis=1), scores.mean(axis=0)
    questions = k * float(((by_question - mean) ** 2).sum()) / max(n - 1, 1)
    if k == 1:
        return MeanSquares(k, n, mean, 0.0, questions, 0.0)
    residuals = scores - by_repeat[:, None] - by_question[None, :] + mean
    residual = float((residuals**2).sum()) / max((k - 1) * (n - 1), 1)
    repeats = n * float(((by_repeat - mean) ** 2).sum()) / (k - 1)
    return MeanSquares(k, n, mean, repeats, questions, residual)


def mean_interval(scores: Matrix, deterministic: bool = False) -> Estimate:
    """Return the mean of a repeats x questions matrix with its interval, in the matrix's unit.

    Args:
        scores: one row a repeat, one column a question.
        deterministic: there is nothing that a repeat could change (the untrained model): one row is enough
            and the interval is over questions alone.
    """
    k, n = scores.shape
    if n < 2 or (k < 2 and not deterministic):
        return Estimate(float(scores.mean()))
    squares = mean_squares(scores)
    half = squares.uncertainty.margin(UPPER)
    return Estimate(squares.mean, squares.mean - half, squares.mean + half)


def share_interval(hits: Matrix, deterministic: bool = False) -> Estimate:
    """Return the mean share in a repeats x questions matrix, with Wilson's interval, between 0 and 1.

    A cell is 0 or 1, or the share of a replicate's seeds that were right: Wilson's interval takes its
    standard error from the matrix and not from p (1 - p), so that it holds for both.
    """
    k, n = hits.shape
    if n < 2 or (k < 2 and not deterministic):
        return Estimate(float(hits.mean()))
    squares = mean_squares(hits)
    if squares.uncertainty.is_none:
        # All right or all wrong: the data show no variance, and the questions are what was sampled.
        return _wilson(squares.mean, t_quantile(UPPER, n - 1) ** 2 / n)
    p = squares.mean
    return _wilson(p, squares.uncertainty.margin(UPPER) ** 2 / (p * (1 - p)))


def _wilson(p: float, ratio: float) -> Estimate:
    """Return Wilson's interval; `ratio` is the squared critical value over the number of answers."""
    centre = (p + ratio / 2) / (1 + ratio)
    half = (ratio * p * (1 - p) + ratio**2 / 4) ** 0.5 / (1 + ratio)
    return Estimate(p, max(min(centre - half, p), 0.0), min(max(centre + half, p), 1.0))


def perplexity_interval(nll: Matrix, tokens: Matrix, deterministic: bool = False) -> Estimate:
    """Return exp(sum of nll / sum of tokens) with its interval, from repeats x questions matrices.

    The ratio is linearised question by question (the delta method; Cochran 1977, Sampling Techniques,
    section 6.3) and the interval found on the logarithm. Over repeats that is the geometric mean.
    """
    ratio = float(nll.sum() / tokens.sum())
    linear = ratio + (nll - ratio * tokens) / tokens.mean()
    log = mean_interval(linear, deterministic)
    low = None if log.low is None else float(np.exp(log.low))
    high = None if log.high is None else float(np.exp(log.high))
    return Estimate(float(np.exp(ratio)), low, high)


def seed_interval(values: Sequence[float]) -> Estimate:
    """Return the mean of one value a repeat (a cost) with Student's interval, in the values' unit."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean)
    half = t_quantile(UPPER, len(values) - 1) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Estimate(mean, max(mean - half, 0.0), mean + half)


def t_quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t; beyond a billion degrees of freedom it is the normal one."""
    return float(special.stdtrit(min(df, 1e9), probability))
