"""How often the analysis errs over simulated studies: false positives, power, coverage, looks, extensions.

Every rate is that of the project's own functions (of `analysis.statistics`) on the simulated answers of
`benchmarks.searched_studies`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from analysis.statistics.contrasts import PlannedArm, estimate_contrast, every_pair, plan_contrasts
from analysis.statistics.differences import ALPHA, Answers, Difference, compare_pair, correct_together, holm
from analysis.statistics.intervals import share_interval
from analysis.statistics.sequential import LookPlan, Outcome, replay
from benchmarks.searched_studies import Design, Surface, answer_test, search_arms, share_right, shift_for
from study.cost.resolution import ACCURACY, CORRELATION, least_difference

Figures = dict[str, float]
# The differences whose detection is counted, in points.
GAPS = (3, 5)
# An extension: looked at after so many replicates, extended to so many where p is below.
FIRST, LAST, EXTEND_BELOW = 5, 12, 0.2


def measure_pair(
    design: Design, surfaces: tuple[Surface, Surface], studies: int, generator: np.random.Generator
) -> Figures:
    """Return the rates of one planned pair: equal arms, and one better by 3 and by 5 points.

    `covered_mean`: the interval of a recipe's mean holds its expectation over searches, trainings and
    questions; `covered_difference_at_N`: that of the difference holds the recipes' difference.
    `found_percent`, `repeat_sd_points`: true accuracy of what is scored on test, its mean and its sd over
    replicates (without seeds that were trained anew).
    """
    skills = _equal_arms(search_arms(design, surfaces, generator, studies))
    right = 100 * share_right(skills)
    # The mean of all replicates simulated; its own error is under a fiftieth of an interval's.
    truth = float(right.mean()) / 100
    wrong, covered = [], []
    for scores in answer_test(skills, design.test, generator):
        wrong.append(_is_small(_compare(scores)))
        covered.append(_holds(scores, truth))
    figures = {
        "false_positives": _share(wrong),
        "covered_mean": float(np.mean(covered)),
        "found_percent": float(right.mean()),
        "repeat_sd_points": float(right.mean(axis=-1).std() if design.replicates > 1 else right.std()),
    }
    for points in GAPS:
        figures |= _measure_gap(design, skills, points, generator)
    return figures


def _measure_gap(design: Design, skills: np.ndarray, points: int, generator: np.random.Generator) -> Figures:
    better = skills.copy()
    better[:, 1] += shift_for(points, skills[:, 1])
    pairs = [_compare(scores) for scores in answer_test(better, design.test, generator)]
    return {
        f"power_at_{points}": _share(_sees(pair, "1") for pair in pairs),
        f"covered_difference_at_{points}": _share(_difference_holds(pair, points / 100) for pair in pairs),
    }


def measure_family(design: Design, surface: Surface, studies: int, generator: np.random.Generator) -> Figures:
    """Return how often one of the planned contrasts of two factors with two levels is called a difference.

    Four equal arms; the contrasts, pairs and main effects, are corrected together.
    """
    arms = [
        PlannedArm(f"{method} {variant}", {"method": method, "variant": variant})
        for method in ("lora", "qlora")
        for variant in ("main", "socratic")
    ]
    family = plan_contrasts(arms)
    skills = search_arms(design, [surface] * len(arms), generator, studies)
    wrong = 0
    for scores in answer_test(skills, design.test, generator):
        answers = {arm.name: Answers(arm.name, own) for arm, own in zip(arms, scores, strict=True)}
        found = correct_together([estimate_contrast(asked, answers) for asked in family])
        wrong += any(difference.is_clear for difference in found)
    return {"contrasts": len(family), "some_false_positive": wrong / studies}


def measure_looks(
    design: Design,
    surface: Surface,
    plan: LookPlan,
    arms: int,
    studies: int,
    generator: np.random.Generator,
) -> Figures:
    """Return the rates of a study with planned looks at all pairs of its arms.

    `some_false_positive`: of equal arms, a pair is called a difference at any look;
    `with_5_percent_at_each_look`: the same if alpha were not split; `power_at_N`: of two arms the one that is
    N points better is called so; `replicates_...`: the mean number that an arm is given.
    """
    skills = search_arms(design, [surface] * arms, generator, studies)
    equal = [_look(scores, plan) for scores in answer_test(skills, design.test, generator)]
    figures = {
        "some_false_positive": _share(_some_clear(outcome) for outcome in equal),
        "replicates_equal": float(np.mean([_replicates_used(outcome, plan, arms) for outcome in equal])),
    }
    if arms > 2:
        return figures
    unsplit = LookPlan(plan.replicates, (1.0,) * len(plan.replicates))
    looked = (_look(scores, unsplit) for scores in answer_test(skills, design.test, generator))
    figures["with_5_percent_at_each_look"] = _share(_some_clear(outcome) for outcome in looked)
    for points in GAPS:
        better = skills.copy()
        better[:, 1] += shift_for(points, skills[:, 1])
        found = [_look(scores, plan) for scores in answer_test(better, design.test, generator)]
        used = [_replicates_used(outcome, plan, arms) for outcome in found]
        seen = (any(d.is_clear and d.better == "1" for d in outcome.differences) for outcome in found)
        figures |= {f"power_at_{points}": _share(seen), f"replicates_at_{points}": float(np.mean(used))}
    return figures


def _look(scores: Sequence[np.ndarray], plan: LookPlan) -> Outcome:
    names = [str(number) for number in range(len(scores))]
    looks = [
        {name: Answers(name, 100 * own[:replicates]) for name, own in zip(names, scores, strict=True)}
        for replicates in plan.replicates
    ]
    return replay(looks, every_pair(names), plan)


def _some_clear(outcome: Outcome) -> bool:
    return any(difference.is_clear for difference in outcome.differences)


def _replicates_used(outcome: Outcome, plan: LookPlan, arms: int) -> float:
    settled = plan.replicates[-1 if outcome.settled_at is None else outcome.settled_at]
    stopped = [stop.replicates for stop in outcome.stopped.values()]
    return (sum(stopped) + settled * (arms - len(stopped))) / arms


def measure_extension(
    design: Design, surface: Surface, studies: int, generator: np.random.Generator
) -> Figures:
    """Return how often equal arms are called different where a study is extended because of what it showed.

    It is looked at after 5 replicates and extended to 12 where p is below .2. `last_word`: the p-value over
    all replicates decides; `any_word`: the study also stops, content, where p is below .05 after 5.
    """
    skills = search_arms(design, [surface] * 2, generator, studies)
    looked, last, either = [], [], []
    for scores in answer_test(skills, design.test, generator):
        first, whole = (_compare([own[:count] for own in scores]) for count in (FIRST, LAST))
        extends = first.p is not None and first.p < EXTEND_BELOW
        looked.append(_is_small(first))
        last.append(extends and _is_small(whole))
        either.append(looked[-1] or last[-1])
    shares = {"not_extended": looked, "last_word": last, "any_word": either}
    return {name: _share(flags) for name, flags in shares.items()}


def _equal_arms(skills: np.ndarray) -> np.ndarray:
    """Return the skills with arms of different surfaces shifted to one mean accuracy."""
    first = skills[:, 0]
    for arm in range(1, skills.shape[1]):
        gap = 100 * float(share_right(first).mean() - share_right(skills[:, arm]).mean())
        skills[:, arm] += shift_for(gap, skills[:, arm])
    return skills


def measure_resolution(
    questions: int, repeats: int, spread: float, contrasts: int, studies: int, generator: np.random.Generator
) -> Figures:
    """Return the power at the least difference that `study.cost.resolution` gives: it should be 80%.

    Scores are normal, with the mean, correlation and spread that it assumes. The other contrasts of the
    family are of equal arms; Holm's correction goes over all.
    """
    least, seen = least_difference(questions, repeats, contrasts, spread), 0
    for _ in range(studies):
        pair = _compare(draw_assumed_pair(questions, repeats, spread, least, generator))
        others = generator.uniform(size=contrasts - 1)
        seen += pair.better == "1" and holm([pair.p or 0.0, *others])[0] < ALPHA
    return {"least_points": least, "power": seen / studies}


def draw_assumed_pair(
    questions: int, repeats: int, spread: float, gap: float, generator: np.random.Generator
) -> list[np.ndarray]:
    """Return two arms' scores, repeats x questions, as `study.cost.resolution` assumes them."""
    variance = ACCURACY * (1 - ACCURACY)
    common = (CORRELATION * variance) ** 0.5 * generator.standard_normal(questions)
    own_sd = ((1 - CORRELATION) * variance) ** 0.5
    return [
        mean
        + common
        + generator.normal(0, spread / 100, (repeats, 1))
        + own_sd * generator.standard_normal((repeats, questions))
        for mean in (ACCURACY, ACCURACY + gap / 100)
    ]


def _compare(scores: Sequence[np.ndarray]) -> Difference:
    return compare_pair(Answers("0", scores[0]), Answers("1", scores[1]))


def _sees(pair: Difference, better: str) -> bool:
    return _is_small(pair) and pair.better == better


def _is_small(pair: Difference) -> bool:
    return pair.p is not None and pair.p < ALPHA


def _difference_holds(pair: Difference, truth: float) -> bool:
    signed = truth if pair.better == "1" else -truth
    assert pair.estimate.low is not None
    assert pair.estimate.high is not None
    return pair.estimate.low <= signed <= pair.estimate.high


def _holds(scores: Sequence[np.ndarray], truth: float) -> float:
    intervals = [share_interval(matrix) for matrix in scores]
    return _share(i.low is not None and i.high is not None and i.low <= truth <= i.high for i in intervals)


def _share(flags: Iterable[bool]) -> float:
    return float(np.mean(list(flags)))
