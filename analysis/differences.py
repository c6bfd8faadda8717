"""Paired differences between arms on the same questions: how large, how sure, and what could have been seen.

Two arms answer the same questions, each under seeds of its own. The variance of their difference has the
questions' part, from the question-by-question difference of their means (Miller 2024, arXiv 2411.00640,
section 3.3), and for each arm its seeds' part, MS_seed / (k n), as in `analysis.intervals`. The seeds' parts
together have Welch's degrees of freedom (Welch 1947), and the critical value is Cochran's: the mean of the
seeds' t and the questions' t, weighted by their parts. Holm's correction goes over all pairs.

Where two arms are equal, p < 0.05 in 1 to 5% of simulated studies (benchmarks/coverage.py, 144 settings): 1
to 3% with 2 seeds, 2 to 4% with 3, 3 to 5% with 5. Where two arms are equally accurate and the seeds of one
alone differ, by more than its questions' standard error, it is up to 7%.

The bootstrap over questions and seeds stands beside it and decides nothing. Where seeds differ by five
points it calls equal arms different in 10-20% of simulated studies with 3 seeds, because 3 seeds can't be
resampled (Owen 2007, arXiv 0712.1111). McNemar's exact test (McNemar 1947) compares the majority answers of
the trained models at hand: it knows nothing of other seeds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from analysis.intervals import Estimate, Matrix, MeanSquares, Uncertainty, mean_squares

ALPHA = 0.05
POWER = 0.80
RESAMPLES = 2000


@dataclass(frozen=True)
class Answers:
    """What a comparison needs of an arm: its seeds x questions scores, and whether seeds can't vary it."""

    name: str
    scores: Matrix
    deterministic: bool = False

    @property
    def has_spread(self) -> bool:
        """Whether the seeds' part of the variance is known."""
        return self.deterministic or len(self.scores) > 1

    @functools.cached_property
    def squares(self) -> MeanSquares:
        """The analysis of variance of the scores: every pair of the arm needs it."""
        return mean_squares(self.scores)

    @functools.cached_property
    def resampled(self) -> np.ndarray:
        """The mean of each seed (column) over resampled questions (rows), the same ones for every arm."""
        return _question_weights(self.scores.shape[1]) @ self.scores.T.astype(np.float32)


@dataclass(frozen=True)
class Difference:
    """The difference `better` - `worse` in the scores' unit.

    Attributes:
        estimate: mean and 95% interval, not corrected for the number of pairs; no interval for one seed.
        p: two-sided, of the t-test, 1e-12 at least; None where there is no interval. `p_holm` is it after
            Holm's correction.
        p_bootstrap: two-sided, of the bootstrap over questions and seeds.
        p_mcnemar: two-sided, of McNemar's exact test on majority answers.
        detectable: the smallest difference seen with 80% power at 5%; None where there is no interval.
    """

    better: str
    worse: str
    estimate: Estimate
    p: float | None
    p_bootstrap: float
    p_mcnemar: float
    detectable: float | None
    p_holm: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the two can be told apart, over all pairs."""
        return self.p_holm is not None and self.p_holm < ALPHA


def compare_pair(first: Answers, second: Answers) -> Difference:
    """Return the difference of two arms that answered the same questions, the better one first."""
    if first.scores.mean() < second.scores.mean():
        first, second = second, first
    differences = first.scores.mean(axis=0) - second.scores.mean(axis=0)
    mean, mcnemar = float(differences.mean()), mcnemar_test(first.scores, second.scores)
    bare = Difference(
        first.name, second.name, Estimate(mean), None, bootstrap_test(first, second), mcnemar, None
    )
    if not (first.has_spread and second.has_spread) or len(differences) < 2:
        return bare
    uncertainty = _uncertainty(differences, [first, second])
    if uncertainty.is_none:
        # Every question differs by the same: there is no spread to test against, McNemar's signs are left.
        return replace(bare, estimate=Estimate(mean, mean, mean), p=mcnemar if mean else 1.0, detectable=0.0)
    half = uncertainty.margin(1 - ALPHA / 2)
    return replace(
        bare,
        estimate=Estimate(mean, mean - half, mean + half),
        p=uncertainty.p_value(mean),
        detectable=half + uncertainty.margin(POWER),
    )


def _uncertainty(differences: np.ndarray, arms: Sequence[Answers]) -> Uncertainty:
    n = len(differences)
    together = float(differences.var(ddof=1)) / n
    varying = [arm.squares for arm in arms if len(arm.scores) > 1]
    seeds = [(squares.seeds / (squares.k * n), squares.k - 1) for squares in varying]
    residual = sum(squares.residual / (squares.k * n) for squares in varying)
    part = sum(variance for variance, _ in seeds)
    return Uncertainty(part, _welch(seeds, part), max(together - residual, 0.0), n - 1, together)


def _welch(parts: Sequence[tuple[float, int]], together: float) -> float:
    spread = sum(variance**2 / df for variance, df in parts)
    return together**2 / spread if spread else np.inf


def compare_all(answers: Sequence[Answers]) -> list[Difference]:
    """Return the differences of all pairs with Holm's correction over them, in the answers' order."""
    pairs = [(first, second) for index, first in enumerate(answers) for second in answers[index + 1 :]]
    return correct_together([compare_pair(first, second) for first, second in pairs])


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


def mcnemar_test(first: Matrix, second: Matrix) -> float:
    """Return McNemar's exact p-value on two arms' majority answers; half of the seeds is no majority."""
    right = [matrix.mean(axis=0) > 0.5 for matrix in (first, second)]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    if only_first + only_second == 0:
        return 1.0
    # Twice the smaller tail of a fair coin.
    tail = special.bdtr(min(only_first, only_second), only_first + only_second, 0.5)
    return min(1.0, 2 * float(tail))


def bootstrap_test(first: Answers, second: Answers) -> float:
    """Return the two-sided p-value of a bootstrap: questions are resampled together, an arm's seeds apart.

    The share of resampled differences on the other side of 0, doubled (Davison & Hinkley 1997, chapter 4).
    """
    generator = np.random.default_rng(0)
    differences = np.zeros(RESAMPLES)
    for arm, sign in ((first, 1), (second, -1)):
        k = len(arm.scores)
        seeds = generator.multinomial(k, [1 / k] * k, RESAMPLES) / k
        differences += sign * (seeds * arm.resampled).sum(axis=1)
    smaller = min(int((differences <= 1e-9).sum()), int((differences >= -1e-9).sum()))
    return min(1.0, 2 * (1 + smaller) / (1 + RESAMPLES))


@functools.lru_cache(maxsize=1)
def _question_weights(questions: int) -> np.ndarray:
    # All pairs of a study resample the same questions: drawn once.
    counts = np.random.default_rng(1).multinomial(questions, [1 / questions] * questions, RESAMPLES)
    return (counts / questions).astype(np.float32)


def share_ranks(means: dict[str, float], differences: Sequence[Difference]) -> dict[str, int]:
    """Return each arm's rank: 1 + the number of arms that are clearly better. Best mean first.

    Arms that can't be told apart from the same arms above them share a rank.
    """
    beaten = {name: sum(d.is_clear and d.worse == name for d in differences) for name in means}
    return {name: 1 + beaten[name] for name in sorted(means, key=lambda name: -means[name])}
