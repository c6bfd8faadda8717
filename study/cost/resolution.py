"""What a study can see: the smallest difference in accuracy that its questions and repeats can tell apart.

Known before anything runs, so the accuracies and their spread have to be assumed, unless earlier trials say
how much replicates differ. A repeat is a replicate (a whole search and the model that it found), or, where an
arm is searched once, a seed of the configuration found. Simulated power at the figure is .77 to .83
(benchmarks/results/protocol.json).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from study.results.finished import primary_score
from study.tasks import Score

ALPHA, POWER = 0.05, 0.80

# Assumed: the arms' accuracy, and the correlation of two answers to one question, whether two arms gave them
# or two repeats of one arm: 0.36 in a study of the embedded profile (LoRA and QLoRA, 5 replicates), and 0.38
# where the questions' difficulty has an sd of 2 logits, as benchmarks/searched_studies.py has it.
ACCURACY = 0.30
CORRELATION = 0.36
# The standard deviation of a repeat's true accuracy, in points. Seeds of the embedded study differ by 1.6,
# its replicates by 1.8 (four arms with five each), and simulated ones by 1.0 to 1.8
# (benchmarks/results/protocol.json).
SEED_SPREAD = 1.6
REPLICATE_SPREAD = 1.8
# Fewer degrees of freedom do not measure a spread.
LEAST_DF = 4
# Quantiles of each arm's mean square, over whose pairs power is averaged.
_GRID = 50


def least_difference(
    questions: int, repeats: int, contrasts: int = 1, spread: float = REPLICATE_SPREAD
) -> float:
    """Return the smallest difference of two arms' accuracies, in points, seen with 80% power at 5%.

    The arms answer the same n questions, each in k repeats of its own. Their difference is normal with the
    variance

        V = 2 a (1 - a) (1 - c) / (k n) + 2 s^2 / k

    for accuracy a, correlation c and spread s: the questions' part is that of Miller 2024 (arXiv 2411.00640,
    section 5, equation 9; on paired tests of accuracy also Card et al. 2020, "With Little Power Comes Great
    Responsibility", EMNLP), the second part the repeats'. What it has to exceed hangs on the mean squares
    that the study will find, so power is the mean over their distribution, chi-squared with k - 1 degrees of
    freedom an arm, with the margin that `analysis.statistics.differences` takes from them. No question is
    assumed to be harder for one arm than for the other.

    Args:
        questions: scored in the confirm stage, at least 2.
        repeats: of each arm, at least 2: one says nothing of the spread.
        contrasts: how many differences are corrected together. The smallest p-value of as many has to pass
            Holm's first step, 5% over their number.
        spread: standard deviation of a repeat's true accuracy, in points: search and seed together.
    """
    from scipy import optimize, special

    sampling = _sampling_variance(questions) / repeats
    margins = _margins(sampling, (spread / 100) ** 2 / repeats, questions, repeats, contrasts)
    deviation = (2 * sampling + 2 * (spread / 100) ** 2 / repeats) ** 0.5

    def excess(difference: float) -> float:
        return float(special.ndtr((difference - margins) / deviation).mean()) - POWER

    return 100 * float(optimize.brentq(excess, 0, margins.max() + 10 * deviation, xtol=1e-6))


def _sampling_variance(questions: int) -> float:
    """Return the variance of one repeat's accuracy by chance answers to given questions."""
    return ACCURACY * (1 - ACCURACY) * (1 - CORRELATION) / questions


def _margins(sampling: float, spread: float, questions: int, repeats: int, contrasts: int) -> np.ndarray:
    """Return what a difference has to exceed, over the mean squares that a study of two arms may find.

    As in `analysis.statistics.differences`: Cochran's mean of the repeats' t, with Welch's degrees of
    freedom, and the questions' t; and no less than over questions alone.

    Args:
        sampling, spread: the two parts of the variance of an arm's mean.
    """
    from scipy import special, stats

    df, level = repeats - 1, 1 - ALPHA / contrasts / 2
    found = (sampling + spread) * stats.chi2.ppf((np.arange(_GRID) + 0.5) / _GRID, df) / df
    first, second = found[:, None], found[None, :]
    welch = df * (first + second) ** 2 / (first**2 + second**2)
    # The questions' part of the variance is 0 here; found is what its error, about normal, leaves above 0.
    by_chance = 2 * sampling * ((2 / (questions - 1)) * (1 + 0.5 / df) / (2 * np.pi)) ** 0.5
    variance, by_questions = first + second + by_chance, special.stdtrit(questions - 1, level)
    # The exponent is `analysis.statistics.intervals.weight_power`.
    weight = ((first + second) / variance) ** (1.75 - 0.5 / welch)
    critical = weight * special.stdtrit(welch, level) + (1 - weight) * by_questions
    return np.maximum(critical * variance**0.5, by_questions * (2 * sampling) ** 0.5)


def spread_on_record(rows: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the standard deviation between replicates, in points, from the rows of earlier trials.

    Pooled over arms, each around its own mean; what chance answers add (`_sampling_variance`) is taken off.
    A replicate with several confirm seeds counts with their mean. None where there are fewer than 4 degrees
    of freedom.

    Args:
        rows: of trials; finished confirm trials of a replicate count: score (or, of earlier versions,
            accuracy), replicate, arm, questions.
    """
    arms: dict[tuple[Any, ...], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if _counts(row):
            arm = (row.get("study"), row["arm"], row["questions"])
            arms[arm][row["replicate"]].append(primary_score(row))
    squares, df, by_chance = 0.0, 0, 0.0
    for (_, _, questions), replicates in arms.items():
        own = np.array([np.mean(seeds) for seeds in replicates.values()])
        seeds = float(np.mean([len(seeds) for seeds in replicates.values()]))
        squares += float(((own - own.mean()) ** 2).sum())
        df += len(own) - 1
        by_chance += (len(own) - 1) * 100**2 * _sampling_variance(questions) / seeds
    return max(squares - by_chance, 0.0) ** 0.5 / df**0.5 if df >= LEAST_DF else None


def _counts(row: Mapping[str, Any]) -> bool:
    scored = row.get("stage") == "confirm" and row.get("status") == "complete"
    return scored and None not in (primary_score(row), row.get("replicate"), row.get("questions"))


def describe_resolution(
    questions: int,
    replicates: int,
    seeds: int,
    contrasts: int = 1,
    measured: float | None = None,
    score: Score | None = None,
) -> str:
    """Return in a sentence what differences a study will see.

    Args:
        questions: of the test split.
        replicates, seeds: of each arm; seeds of one search are its repeats.
        contrasts: planned, and corrected together.
        measured: the spread of earlier replicates, in points (`spread_on_record`).
        score: the primary one; None: accuracy. Of a mean nothing is known before its first answers.
    """
    if max(replicates, seeds) < 2 or questions < 2:
        return (
            "no difference between arms: one replicate and one seed say nothing of the spread; "
            "--replicates 5 compares recipes, --replicates 1 --confirm-seeds 5 the configurations found"
        )
    if replicates < 2:
        least = least_difference(questions, seeds, contrasts, SEED_SPREAD)
        compared, repeats = "configurations", f"{seeds} seeds"
        differ = f", seeds differ by {SEED_SPREAD:.1f} points (sd); the search is left out"
    else:
        spread = REPLICATE_SPREAD if measured is None else measured
        least = least_difference(questions, replicates, contrasts, spread)
        compared, repeats = "recipes", f"{replicates} replicates"
        differ = f"{',' if measured is None else '; measured:'} replicates differ by {spread:.1f} points (sd)"
    if score is not None and score.kind == "mean":
        return (
            f"differences in {score.shown} by its spread, which the first answers will show; of a share in % "
            f"{least:.1f} points and more ({questions} questions, {repeats}; 80% power at 5%)"
        )
    family = "one contrast" if contrasts == 1 else f"corrected over {contrasts} planned contrasts"
    return (
        f"differences of {least:.1f} points and more between two {compared} ({questions} questions, "
        f"{repeats}; 80% power at 5%, {family}; assumed: {ACCURACY:.0%} right, answers correlate "
        f"{CORRELATION:g}{differ})"
    )
