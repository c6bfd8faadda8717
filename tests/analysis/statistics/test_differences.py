"""Paired differences: hand-computed cases, statsmodels, false positives where arms are equal, power."""

import itertools

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.differences import Answers, compare_pair, contrast, correct_together, holm, rank_arms
from tests.analysis.logit_studies import LogitStudies
from tests.analysis.recomputed import variance_by_loops


def arm(name, scores, deterministic=False):
    return Answers(name, np.asarray(scores, dtype=float), deterministic)


def compare_all(answers):
    pairs = itertools.combinations(answers, 2)
    return correct_together([compare_pair(first, second) for first, second in pairs])


def test_better_arm_comes_first_and_the_difference_is_its_mean():
    difference = compare_pair(arm("a", [[0, 1], [0, 1]]), arm("b", [[1, 1], [1, 1]]))
    assert (difference.better, difference.worse, difference.estimate.mean) == ("b", "a", 0.5)


def test_difference_of_two_deterministic_rows_is_the_paired_t_test():
    generator = np.random.default_rng(0)
    first, second = generator.normal(0.3, 1, 80), generator.normal(0, 1, 80)
    difference = compare_pair(arm("a", [first], True), arm("b", [second], True))
    expected = stats.ttest_rel(first, second)
    assert difference.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (difference.estimate.low, difference.estimate.high) == pytest.approx((interval.low, interval.high))


def test_difference_where_only_the_repeats_vary_is_welchs_t_test():
    first, second = [0.9, 0.6, 0.75], [0.4, 0.5, 0.3, 0.2]
    columns = np.ones((1, 30))
    difference = compare_pair(arm("a", np.outer(first, columns)), arm("b", np.outer(second, columns)))
    assert difference.p == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)


def test_holm_agrees_with_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p_values = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_single_repeat_is_not_tested():
    difference = compare_pair(arm("a", [[1, 1, 1, 0]]), arm("b", [[0, 0, 1, 0], [0, 0, 0, 0]]))
    assert difference.p is None
    assert difference.estimate.low is None
    assert not compare_all([arm("a", [[1, 1]]), arm("b", [[0, 0]])])[0].is_clear


def test_equal_answers_are_not_different():
    same = [[1, 0, 1], [1, 0, 1]]
    difference = compare_pair(arm("a", same), arm("b", same))
    assert (difference.estimate.mean, difference.p) == (0.0, 1.0)


def test_difference_that_is_the_same_at_every_question_is_tested_by_its_signs():
    ones, zeros = np.ones((3, 9)), np.zeros((2, 9))
    difference = compare_pair(arm("a", ones), arm("b", zeros))
    assert difference.p == pytest.approx(stats.binomtest(9, 9, 0.5).pvalue)
    assert (difference.estimate.low, difference.estimate.high) == (1.0, 1.0)


def test_rounding_is_no_spread():
    thirds = np.full((4, 9), 100 * np.mean([1.0, 1.0, 0.0]))
    thirds[1] = 100 - np.full(9, 100 * np.mean([0.0, 0.0, 1.0]))
    assert compare_pair(arm("a", thirds), arm("b", np.zeros((3, 9)))).p == pytest.approx(2 * 0.5**9)


def test_variance_of_a_contrast_agrees_with_a_plain_loop():
    generator = np.random.default_rng(13)
    terms = [
        (arm(name, 100 * (generator.random((k, 40)) < p + generator.normal(0, 0.1, (k, 1)))), weight)
        for name, k, p, weight in (
            ("a", 5, 0.7, 0.5),
            ("b", 4, 0.6, 0.5),
            ("c", 6, 0.4, -0.5),
            ("d", 3, 0.3, -0.5),
        )
    ]
    found = contrast("one", "other", terms)
    mean, *parts = variance_by_loops([(answers.scores.tolist(), weight) for answers, weight in terms])
    uncertainty = found.uncertainty
    assert found.estimate.mean == pytest.approx(mean)
    assert parts == pytest.approx(
        [uncertainty.repeats, uncertainty.repeat_df, uncertainty.questions, uncertainty.without_repeats]
    )
    assert found.arms == {"a": 0.5, "b": 0.5, "c": -0.5, "d": -0.5}
    assert found.repeats == (3, 4, 5, 6)


def test_contrast_is_the_same_whichever_side_is_named_first():
    generator = np.random.default_rng(14)
    first, second = arm("a", generator.random((3, 30))), arm("b", generator.random((4, 30)) + 0.1)
    assert compare_pair(first, second) == compare_pair(second, first)
    assert compare_pair(first, second).better == "b"


def test_repeats_that_agree_by_chance_do_not_make_a_difference_surer():
    generator = np.random.default_rng(15)
    right = generator.permutation(np.repeat([1.0, 0.0], 50))
    # Both repeats have the same mean, on other questions: no spread between them, by chance.
    first = arm("a", [right, generator.permutation(right)])
    second = arm("b", [np.roll(right, 1), generator.permutation(right) * 0.5])
    found = compare_pair(first, second)
    by_question = first.scores.mean(axis=0) - second.scores.mean(axis=0)
    questions_alone = stats.ttest_1samp(by_question, 0)
    assert found.p >= questions_alone.pvalue * (1 - 1e-6)


def test_interval_at_a_higher_level_is_wider_and_has_the_same_middle():
    generator = np.random.default_rng(16)
    found = compare_pair(arm("a", generator.random((5, 50))), arm("b", generator.random((5, 50))))
    wide = found.at_level(0.99)
    assert wide.level == 0.99
    assert wide.estimate.low < found.estimate.low < found.estimate.high < wide.estimate.high
    assert wide.estimate.low + wide.estimate.high == pytest.approx(found.estimate.low + found.estimate.high)


def test_ranks_of_arms_that_can_not_be_told_apart_overlap():
    generator = np.random.default_rng(4)

    def draw(p):
        return (generator.random((3, 400)) < p).astype(float)

    arms = [arm("low", draw(0.2)), arm("high", draw(0.60)), arm("also high", draw(0.61))]
    ranks = rank_arms([a.name for a in arms], compare_all(arms))
    assert {name: str(rank) for name, rank in ranks.items()} == {
        "low": "3",
        "high": "1-2",
        "also high": "1-2",
    }


def test_arm_is_not_ranked_lower_for_being_measured_better():
    # As finding 6 of the audit: the exact one, second in accuracy, is beaten; the others can't be told apart.
    generator = np.random.default_rng(17)
    noise = {"best": 0.01, "exact": 0.001, "vague": 0.12}
    means = {"best": 0.31, "exact": 0.267, "vague": 0.25}
    base, spread = generator.normal(0, 0.3, 400), np.linspace(-1, 1, 4)[:, None]
    arms = [
        arm(name, base + means[name] + noise[name] * spread + generator.normal(0, 0.02, 400))
        for name in means
    ]
    ranks = rank_arms(list(means), compare_all(arms))
    assert (ranks["exact"].first, ranks["exact"].last) == (2, 3)
    assert (ranks["vague"].first, ranks["vague"].last) == (1, 3)


def _false_positives(seeds, questions, accuracy, difficulty, seed_sd, studies):
    simulated = LogitStudies(accuracy, difficulty, seed_sd)
    pairs = simulated.draw_pairs(np.random.default_rng(8), studies, seeds, questions)
    return np.mean([compare_pair(arm("a", first), arm("b", second)).p < 0.05 for first, second in pairs])


@pytest.mark.parametrize(
    "setting", [(3, 200, 0.5, 1.5, 0.0), (3, 200, 0.5, 1.5, 0.4), (5, 200, 0.1, 1.5, 0.2)]
)
def test_false_positives_are_at_most_5_percent_where_arms_are_equal(setting):
    # Two standard errors of a share of 1,500 beside the bound.
    assert _false_positives(*setting, studies=1500) <= 0.061


@pytest.mark.slow
def test_false_positives_are_at_most_5_percent_over_the_settings_that_matter():
    grid = itertools.product((2, 3, 5), (100, 500), (0.02, 0.5, 0.9), (1.5, 3.0), (0.0, 0.15, 0.5))
    found = {setting: _false_positives(*setting, studies=500) for setting in grid}
    # Three standard errors of a share of 500 beside the bound; all together they keep to it.
    assert max(found.values()) <= 0.079, max(found, key=found.get)
    assert np.mean(list(found.values())) <= 0.05


def test_holm_keeps_the_false_positives_of_a_whole_study_at_5_percent():
    simulated = LogitStudies(0.5, 1.5, 0.2)
    clear = [
        any(
            difference.is_clear
            for difference in compare_all([arm(str(i), hits) for i, hits in enumerate(arms)])
        )
        for arms in simulated.draw_pairs(np.random.default_rng(9), 300, 3, 150, arms=5)
    ]
    assert np.mean(clear) <= 0.05
