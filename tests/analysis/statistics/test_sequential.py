"""Planned looks: what they decide, what they stop, and that equal arms stay equal in 95% of studies."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.looks import parse_looks
from analysis.statistics.contrasts import Contrast, PlannedArm, every_pair, plan_contrasts
from analysis.statistics.differences import ALPHA, Answers, compare_pair
from analysis.statistics.sequential import LookPlan, chance_to_overtake, replay, split_alpha

PLAN = LookPlan((3, 6, 12), (0.2, 0.3, 0.5))
AB = every_pair(["a", "b"])


def draw(generator, means, replicates=12, questions=60, sd=2.0):
    """Draw scores in points: arms x replicates x questions, the questions' difficulty in common."""
    difficulty = generator.normal(0, 30, questions)
    return {
        name: mean
        + difficulty
        + generator.normal(0, sd, (replicates, 1))
        + generator.normal(0, 5, (replicates, questions))
        for name, mean in means.items()
    }


def at_looks(scores, plan=PLAN, taken=None):
    counts = plan.replicates[:taken]
    return [{name: Answers(name, matrix[:n]) for name, matrix in scores.items()} for n in counts]


def test_three_looks_share_the_five_percent_as_2_3_5():
    assert split_alpha(3) == (0.2, 0.3, 0.5)
    assert split_alpha(1) == (1.0,)
    assert sum(split_alpha(5)) == pytest.approx(1)
    assert list(split_alpha(5)) == sorted(split_alpha(5))
    assert parse_looks("3, 6,12", 12) == PLAN


def test_p_over_the_looks_is_the_smallest_of_each_looks_p_by_its_share():
    scores = draw(np.random.default_rng(3), {"a": 52.0, "b": 50.0})
    (found,) = replay(at_looks(scores), AB, PLAN).differences
    alone = [
        compare_pair(Answers("a", scores["a"][:n]), Answers("b", scores["b"][:n])).p / weight
        for n, weight in zip(PLAN.replicates, PLAN.weights, strict=True)
    ]
    assert min(alone) > ALPHA / 2
    tested = alone[: 1 + next((i for i, p in enumerate(alone) if p < ALPHA), 2)]
    assert found.p_holm == pytest.approx(min([1.0, *tested]))


def test_clear_difference_is_decided_at_the_first_look_with_its_wide_interval():
    scores = draw(np.random.default_rng(1), {"a": 70.0, "b": 50.0})
    outcome = replay(at_looks(scores), AB, PLAN)
    (found,) = outcome.differences
    assert (outcome.settled_at, found.decided_at, found.repeats) == (0, 3, (3,))
    assert found.level == pytest.approx(0.99)
    first = compare_pair(Answers("a", scores["a"][:3]), Answers("b", scores["b"][:3]))
    assert found.estimate == first.at_level(1 - 0.2 * 0.05).estimate
    assert outcome.stopped["b"].reason.startswith("clearly beaten by a")


def test_what_no_look_decides_has_the_interval_of_the_last():
    scores = draw(np.random.default_rng(2), {"a": 50.0, "b": 50.0})
    outcome = replay(at_looks(scores), AB, PLAN)
    (found,) = outcome.differences
    assert (outcome.settled_at, found.decided_at, found.repeats) == (None, None, (12,))
    assert found.level == pytest.approx(1 - 0.5 * 0.05)
    assert not found.is_clear


def test_decided_contrast_keeps_its_p_in_later_families():
    # a leads by far and is decided at the first look; c and d are a family of two that goes on.
    generator = np.random.default_rng(5)
    scores = draw(generator, {"a": 80.0, "b": 60.0, "c": 53.0, "d": 50.0}, sd=1.5)
    contrasts = [Contrast("a", "b", {"a": 1.0, "b": -1.0}), Contrast("c", "d", {"c": 1.0, "d": -1.0})]
    plan = LookPlan((3, 12), (0.4, 0.6))
    outcome = replay(at_looks(scores, plan), contrasts, plan, stopped={})
    kept, open_one = outcome.differences
    raw = compare_pair(Answers("c", scores["c"]), Answers("d", scores["d"])).p
    first_look = [
        compare_pair(Answers(x, scores[x][:3]), Answers(y, scores[y][:3])).p for x, y in ("ab", "cd")
    ]
    assert kept.decided_at == 3
    assert kept.p == pytest.approx(first_look[0])
    holm_now = multipletests([first_look[0], raw], method="holm")[1][1]
    holm_then = multipletests(first_look, method="holm")[1][1]
    assert open_one.p_holm == pytest.approx(min(holm_then / 0.4, holm_now / 0.6, 1.0))


def test_contrast_of_an_arm_that_stopped_is_not_tested_again():
    # b is beaten by a at once; b against c would be clear with all its replicates, which it never had.
    generator = np.random.default_rng(4)
    scores = draw(generator, {"a": 75.0, "b": 55.0, "c": 51.0}, sd=1.5)
    full = replay(at_looks(scores), every_pair(["a", "b", "c"]), PLAN, stopped={})
    assert full.differences[2].is_clear
    outcome = replay(at_looks(scores), every_pair(["a", "b", "c"]), PLAN)
    assert outcome.stopped["b"].replicates == 3
    left = outcome.differences[2]
    assert (left.repeats, left.is_clear) == ((3,), False)
    assert outcome.settled_at == 0


def test_replicates_after_a_look_change_nothing_at_it():
    generator = np.random.default_rng(6)
    scores = draw(generator, {"a": 55.0, "b": 50.0, "c": 48.0})
    spoilt = {name: np.vstack([matrix[:6], matrix[6:] + 40]) for name, matrix in scores.items()}
    pairs = every_pair(["a", "b", "c"])
    assert replay(at_looks(scores, taken=2), pairs, PLAN) == replay(at_looks(spoilt, taken=2), pairs, PLAN)


def test_chance_to_overtake_is_that_of_the_replicates_to_come():
    generator = np.random.default_rng(7)
    behind, ahead = generator.normal(50, 2, (6, 1)), generator.normal(51, 2, (6, 1))
    found = chance_to_overtake(Answers("b", behind), Answers("a", ahead), 12)
    # By simulation: the means over all 12, given the first 6 and what they leave unknown.
    draws = 200_000
    totals = []
    for values in (behind, ahead):
        mean, sd = values.mean(), values.std(ddof=1)
        true = mean + generator.standard_normal(draws) * sd / 6**0.5
        totals.append((6 * mean + 6 * (true + generator.standard_normal(draws) * sd / 6**0.5)) / 12)
    normal = float((totals[0] > totals[1]).mean())
    # The t of the few replicates lies above the normal of known variances.
    assert normal - 0.005 <= found <= normal + 0.05


def test_arm_without_a_chance_stops_for_futility():
    scores = draw(np.random.default_rng(8), {"a": 50.0, "b": 50.2, "hopeless": 44.0}, sd=1.0)
    contrasts = [Contrast("a", "b", {"a": 1.0, "b": -1.0})]
    outcome = replay(at_looks(scores), contrasts, PLAN)
    assert "of overtaking" in outcome.stopped["hopeless"].reason
    assert {"a", "b"}.isdisjoint(outcome.stopped)


def test_arm_alone_runs_to_the_end():
    scores = draw(np.random.default_rng(9), {"a": 50.0})
    assert replay(at_looks(scores), [], PLAN).settled_at is None


def _rejections(means, studies, seed=10):
    generator = np.random.default_rng(seed)
    arms = [PlannedArm(name, {"method": name[:-1], "variant": name[-1]}) for name in means]
    contrasts = plan_contrasts(arms)
    outcomes = [replay(at_looks(draw(generator, means)), contrasts, PLAN) for _ in range(studies)]
    clear = [any(d.is_clear for d in outcome.differences) for outcome in outcomes]
    return float(np.mean(clear)), float(np.mean([_replicates(outcome, means) for outcome in outcomes]))


def _replicates(outcome, names):
    """Return how many replicates an arm ran on average."""
    end = 12 if outcome.settled_at is None else PLAN.replicates[outcome.settled_at]
    stopped = {name: stop.replicates for name, stop in outcome.stopped.items()}
    return np.mean([min(stopped.get(name, 12), end) for name in names])


EQUAL = {"lora1": 50.0, "lora2": 50.0, "qlora1": 50.0, "qlora2": 50.0}


def test_equal_arms_are_called_different_in_at_most_5_percent_of_studies():
    share, _ = _rejections(EQUAL, 400)
    # Two standard errors of a share of 400 beside the bound.
    assert share <= 0.072


@pytest.mark.slow
def test_family_wise_error_keeps_to_5_percent():
    share, _ = _rejections(EQUAL, 3000, seed=11)
    assert share <= 0.058


def test_looks_save_replicates_where_the_difference_is_large():
    share, ran = _rejections({**EQUAL, "lora1": 55.0, "lora2": 55.0}, 100)
    assert share > 0.95
    # The better two are equal and run on: half of the arms can stop.
    assert ran < 11
    share, ran = _rejections({"lora1": 55.0, "qlora1": 50.0}, 100)
    assert share > 0.95
    assert ran < 7


def test_futility_does_not_stop_a_loss_that_may_still_be_shown():
    generator = np.random.default_rng(13)
    studies = [at_looks(draw(generator, {"a": 52.0, "b": 50.0})) for _ in range(200)]
    stopping = sum(replay(looks, AB, PLAN).differences[0].is_clear for looks in studies)
    running_on = sum(replay(looks, AB, PLAN, stopped={}).differences[0].is_clear for looks in studies)
    assert running_on > 60
    assert stopping >= 0.97 * running_on


# Through results folders.


def test_mean_square_of_the_replicates_is_what_a_t_test_over_them_has():
    # One question: the contrast over looks is Welch's test over the replicates.
    generator = np.random.default_rng(12)
    scores = {
        name: np.repeat(generator.normal(mean, 2, (12, 1)), 2, axis=1)
        for name, mean in (("a", 55), ("b", 50))
    }
    (found,) = replay(at_looks(scores)[-1:], AB, LookPlan((12,), (1.0,))).differences
    welch = stats.ttest_ind(scores["a"][:, 0], scores["b"][:, 0], equal_var=False)
    assert found.p_holm == pytest.approx(welch.pvalue)
