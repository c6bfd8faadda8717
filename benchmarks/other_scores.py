"""How often the analysis errs where the primary score is no share: a mean of parts, and macro-F1.

The studies are those of `benchmarks.searched_studies`; what their models answer is scored otherwise. A mean
score gives part of the points for an answer that is not right, as token F1 does. Macro-F1 is of four labels,
of which one is rare; a wrong answer is another label, or none, and a question's figure is its jackknife
value, as the study writes it (`study.scores.jackknife`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.statistics.contrasts import PlannedArm, estimate_contrast, plan_contrasts
from analysis.statistics.differences import ALPHA, Answers, compare_pair, correct_together
from analysis.statistics.intervals import mean_interval
from benchmarks.searched_studies import Design, Surface, answer_test, search_arms, share_right

# What an answer that is not right earns: a Beta distribution, a quarter of the points on the mean.
PART = (1.0, 3.0)
# How often each label is the reference, and how often each is said in error; the last says none.
LABELS = (0.5, 0.3, 0.15, 0.05)
SAID_WRONG = (0.4, 0.25, 0.15, 0.1, 0.1)

Matrices = list[np.ndarray]


@dataclass(frozen=True)
class OtherScore:
    """A score: its name, what it makes of right and wrong answers, and its expectation in %.

    Attributes:
        score: (right answers of each arm: repeats x questions, generator) -> their scores.
        expect: share of right answers -> the score's expectation.
    """

    name: str
    # A setting's random numbers follow from its repr, in which a function would have its address.
    score: Callable[[Matrices, np.random.Generator], Matrices] = field(repr=False)
    expect: Callable[[np.ndarray], np.ndarray] = field(repr=False)


def score_parts(hits: Sequence[np.ndarray], generator: np.random.Generator) -> Matrices:
    """Return the points of answers: 100 if right, else a part."""
    return [100 * np.where(own == 1, 1.0, generator.beta(*PART, own.shape)) for own in hits]


def _expect_parts(right: np.ndarray) -> np.ndarray:
    return 100 * (right + (1 - right) * PART[0] / sum(PART))


def score_labels(hits: Sequence[np.ndarray], generator: np.random.Generator) -> Matrices:
    """Return the jackknife values of macro-F1 in %."""
    references = generator.choice(len(LABELS), hits[0].shape[1], p=LABELS)
    return [
        np.stack([jackknife(references, _say(references, own, generator)) for own in arm]) for arm in hits
    ]


def _say(references: np.ndarray, right: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    said = generator.choice(len(SAID_WRONG), len(references), p=SAID_WRONG)
    # An error that would be right is the next label.
    said = np.where(said == references, (said + 1) % len(LABELS), said)
    return np.where(right == 1, references, said)


def jackknife(references: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return each question's value T + (n - 1) (M - T_i) of macro-F1, by numbers of labels."""
    width = len(SAID_WRONG)
    cells = references * width + answers
    counts = np.bincount(cells, minlength=len(LABELS) * width).reshape(len(LABELS), width).astype(float)
    # Without a question the counts are one less in its cell: there are few cells.
    less = np.maximum(counts - np.eye(counts.size).reshape(-1, *counts.shape), 0.0)
    without = macro_f1(less)[cells]
    return macro_f1(counts) + (len(cells) - 1) * (without.mean() - without)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Return macro-F1 in % of confusion counts, ... x labels x (labels + 1), over labels with references."""
    right = np.einsum("...ii->...i", counts[..., : counts.shape[-2]])
    asked, said = counts.sum(axis=-1), counts[..., : counts.shape[-2]].sum(axis=-2)
    f1 = np.divide(2 * right, asked + said, out=np.zeros_like(right), where=asked + said > 0)
    has = asked > 0
    return 100 * (f1 * has).sum(axis=-1) / has.sum(axis=-1)


def _expect_labels(right: np.ndarray) -> np.ndarray:
    shares = np.array(LABELS)
    wrong = np.zeros((len(LABELS), len(SAID_WRONG)))
    for reference in range(len(LABELS)):
        wrong[reference] = SAID_WRONG
        wrong[reference, (reference + 1) % len(LABELS)] += SAID_WRONG[reference]
        wrong[reference, reference] = 0.0
    share = right[..., None, None]
    hit = np.eye(len(LABELS), len(SAID_WRONG))
    return macro_f1(shares[:, None] * (share * hit + (1 - share) * wrong))


SCORES = (
    OtherScore("a mean score", score_parts, _expect_parts),
    OtherScore("macro-F1", score_labels, _expect_labels),
)


def measure_score_pair(
    design: Design, score: OtherScore, surface: Surface, studies: int, generator: np.random.Generator
) -> dict[str, float]:
    """Return the rates of one planned pair of equal arms, as `benchmarks.protocol_rates.measure_pair`.

    `found_percent` and `repeat_sd_points` are those of the score's expectation.
    """
    skills = search_arms(design, [surface] * 2, generator, studies)
    expected = score.expect(share_right(skills))
    wrong, covered = [], []
    for first, second in _score_test(design, score, skills, generator):
        pair = compare_pair(Answers("0", first), Answers("1", second))
        wrong.append(pair.p is not None and pair.p < ALPHA)
        covered += [_holds(matrix, float(expected.mean())) for matrix in (first, second)]
    return {
        "false_positives": float(np.mean(wrong)),
        "covered_mean": float(np.mean(covered)),
        "found_percent": float(expected.mean()),
        "repeat_sd_points": float(expected.mean(axis=-1).std()),
    }


def measure_score_family(
    design: Design, score: OtherScore, surface: Surface, studies: int, generator: np.random.Generator
) -> dict[str, float]:
    """Return how often a planned contrast of two factors with two levels is called a difference."""
    factors = [{"method": method, "variant": own} for method in ("a", "b") for own in ("c", "d")]
    arms = [PlannedArm(" ".join(own.values()), own) for own in factors]
    family, wrong = plan_contrasts(arms), 0
    skills = search_arms(design, [surface] * len(arms), generator, studies)
    for scores in _score_test(design, score, skills, generator):
        answers = {arm.name: Answers(arm.name, own) for arm, own in zip(arms, scores, strict=True)}
        found = correct_together([estimate_contrast(asked, answers) for asked in family])
        wrong += any(difference.is_clear for difference in found)
    return {"contrasts": len(family), "some_false_positive": wrong / studies}


def _score_test(
    design: Design, score: OtherScore, skills: np.ndarray, generator: np.random.Generator
) -> Iterator[Matrices]:
    for hits in answer_test(skills, design.test, generator):
        yield score.score(hits, generator)


def _holds(matrix: np.ndarray, truth: float) -> bool:
    found = mean_interval(matrix)
    return found.low is not None and found.high is not None and found.low <= truth <= found.high
