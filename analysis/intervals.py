"""Means with 95% intervals over seeds and questions: the uncertainty of every score and cost in the tables.

A score is measured for every question under every seed, so questions and seeds are crossed random
effects, y_ij = mu + seed_i + question_j + residual_ij, and the mean over all of them has the variance

    (MS_seed + MS_question - MS_residual) / (k n)        for k seeds and n questions

(Searle, Casella & McCulloch 1992, Variance Components, chapter 4; for questions alone Miller 2024, arXiv
2411.00640). Few seeds make that variance itself uncertain: the interval is Student's t with
Satterthwaite's degrees of freedom (Satterthwaite 1946, Biometrics Bulletin 2, 110-114). A share
(accuracy) near 0 or 100% has no symmetric interval: it gets Wilson's, at the effective number of answers
(Wilson 1927; Franco et al. 2019, doi 10.1093/jssam/smy019).

Simulated coverage, 3 to 5 seeds, 100 to 1,300 questions, accuracies of 1 to 50%: 93 to 98% while seeds
differ by up to 3 points (standard deviation), 91 to 95% where they differ by more, for 3 seeds say little
about themselves; with two seeds it falls to 88%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

UPPER = 0.975  # of a two-sided 95% interval
Matrix = np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95% interval; `low` and `high` are None where the data can't give one."""

    mean: float
    low: float | None = None
    high: float | None = None
    degrees_of_freedom: float | None = None

    def scaled(self, factor: float) -> Estimate:
        """Return the estimate in another unit."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Estimate(self.mean * factor, low, high, self.degrees_of_freedom)


@dataclass(frozen=True)
class MeanSquares:
    """Analysis of variance of a seeds x questions matrix: its shape, mean and mean squares.

    Attributes:
        questions: mean square of the question means; `seeds` and `residual` are 0 for a single seed.
    """

    k: int
    n: int
    mean: float
    seeds: float
    questions: float
    residual: float

    @property
    def seed_variance(self) -> float:
        """The seeds' part of the variance of the mean; never below 0."""
        return max(self.seeds - self.residual, 0.0) / (self.k * self.n)

    @property
    def question_variance(self) -> float:
        """The questions' part of the variance of the mean, the residual's included."""
        return self.questions / (self.k * self.n)


def mean_squares(scores: Matrix) -> MeanSquares:
    """Return the two-way analysis of variance without replication of a seeds x questions matrix."""
    k, n = scores.shape
    mean = float(scores.mean())
    by_seed, by_question = scores.mean(axis=1), scores.mean(axis=0)
    questions = k * float(((by_question - mean) ** 2).sum()) / max(n - 1, 1)
    if k == 1:
        return MeanSquares(k, n, mean, 0.0, questions, 0.0)
    residuals = scores - by_seed[:, None] - by_question[None, :] + mean
    residual = float((residuals**2).sum()) / max((k - 1) * (n - 1), 1)
    return MeanSquares(k, n, mean, n * float(((by_seed - mean) ** 2).sum()) / (k - 1), questions, residual)


def satterthwaite(terms: Sequence[tuple[float, int]], variance: float) -> float:
    """Return the degrees of freedom of a variance that sums (term, its degrees of freedom), signs dropped."""
    spread = sum(value**2 / df for value, df in terms if df > 0)
    return max(variance**2 / spread, 1.0) if spread > 0 else np.inf


def _variance(squares: MeanSquares) -> tuple[float, float]:
    k, n = squares.k, squares.n
    variance = squares.seed_variance + squares.question_variance
    parts = [(squares.questions, n - 1), (squares.seeds, k - 1), (squares.residual, (k - 1) * (n - 1))]
    return variance, satterthwaite([(value / (k * n), df) for value, df in parts], variance)


def mean_interval(scores: Matrix, deterministic: bool = False) -> Estimate:
    """Return the mean of a seeds x questions matrix with its interval, in the matrix's unit.

    Args:
        scores: one row a seed, one column a question.
        deterministic: there is nothing that a seed could change (the untrained model): one row is enough
            and the interval is over questions alone.
    """
    k, n = scores.shape
    if n < 2 or (k < 2 and not deterministic):
        return Estimate(float(scores.mean()))
    squares = mean_squares(scores)
    variance, df = _variance(squares)
    half = t_quantile(UPPER, df) * variance**0.5
    return Estimate(squares.mean, squares.mean - half, squares.mean + half, df)


def share_interval(hits: Matrix, deterministic: bool = False) -> Estimate:
    """Return the share of ones in a seeds x questions matrix, with Wilson's interval, between 0 and 1.

    The number of answers that counts is p(1-p) / variance, and never more than there are: seeds that
    agree on a question are one answer, not k.
    """
    k, n = hits.shape
    if n < 2 or (k < 2 and not deterministic):
        return Estimate(float(hits.mean()))
    squares = mean_squares(hits)
    p = squares.mean
    variance, df = _variance(squares)
    if variance == 0.0:
        # All right or all wrong: the data show no variance, and the questions are what was sampled.
        return _wilson(p, float(n), n - 1)
    return _wilson(p, min(p * (1 - p) / variance, float(k * n)), df)


def _wilson(p: float, answers: float, df: float) -> Estimate:
    t = t_quantile(UPPER, df)
    shrink = 1 + t**2 / answers
    centre = (p + t**2 / (2 * answers)) / shrink
    half = t / shrink * (p * (1 - p) / answers + t**2 / (4 * answers**2)) ** 0.5
    return Estimate(p, max(min(centre - half, p), 0.0), min(max(centre + half, p), 1.0), df)


def perplexity_interval(nll: Matrix, tokens: Matrix, deterministic: bool = False) -> Estimate:
    """Return exp(sum of nll / sum of tokens) with its interval, from seeds x questions matrices.

    The ratio is linearised question by question (the delta method; Cochran 1977, Sampling Techniques,
    section 6.3) and the interval found on the logarithm. Over seeds that is the geometric mean.
    """
    ratio = float(nll.sum() / tokens.sum())
    linear = ratio + (nll - ratio * tokens) / tokens.mean()
    log = mean_interval(linear, deterministic)
    low = None if log.low is None else float(np.exp(log.low))
    high = None if log.high is None else float(np.exp(log.high))
    return Estimate(float(np.exp(ratio)), low, high, log.degrees_of_freedom)


def seed_interval(values: Sequence[float]) -> Estimate:
    """Return the mean of one value a seed (a cost) with Student's interval, in the values' unit."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean)
    half = t_quantile(UPPER, len(values) - 1) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Estimate(mean, max(mean - half, 0.0), mean + half, len(values) - 1)


def t_quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t; beyond a billion degrees of freedom it is the normal one."""
    return float(special.stdtrit(min(df, 1e9), probability))
