"""Paired differences: hand-computed cases, statsmodels, false positives where arms are equal, power."""

import itertools

import numpy as np
import pytest
from scipy import stats

from analysis import differences as module
from analysis.differences import Answers, compare_all, compare_pair, holm, mcnemar_test, share_ranks
from tests.analysis.simulated import LogitStudies


def arm(name, scores, deterministic=False):
    return Answers(name, np.asarray(scores, dtype=float), deterministic)


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


def test_difference_where_only_the_seeds_vary_is_welchs_t_test():
    first, second = [0.9, 0.6, 0.75], [0.4, 0.5, 0.3, 0.2]
    columns = np.ones((1, 30))
    difference = compare_pair(arm("a", np.outer(first, columns)), arm("b", np.outer(second, columns)))
    assert difference.p == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)


def test_mcnemar_agrees_with_statsmodels():
    from statsmodels.stats.contingency_tables import mcnemar

    generator = np.random.default_rng(3)
    first, second = (generator.random((1, 50)) < 0.6).astype(float), (generator.random((1, 50)) < 0.4) * 1.0
    both = [[int(((first == a) & (second == b)).sum()) for b in (1, 0)] for a in (1, 0)]
    assert mcnemar_test(first, second) == pytest.approx(mcnemar(both, exact=True).pvalue)


def test_mcnemar_counts_majorities_over_the_seeds():
    first = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0]])
    assert mcnemar_test(first, np.zeros((1, 3))) == pytest.approx(2 * 0.5**2)


def test_holm_agrees_with_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p_values = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_single_seed_is_not_tested():
    difference = compare_pair(arm("a", [[1, 1, 1, 0]]), arm("b", [[0, 0, 1, 0], [0, 0, 0, 0]]))
    assert difference.p is None
    assert difference.estimate.low is None
    assert not compare_all([arm("a", [[1, 1]]), arm("b", [[0, 0]])])[0].is_clear


def test_equal_answers_are_not_different():
    same = [[1, 0, 1], [1, 0, 1]]
    difference = compare_pair(arm("a", same), arm("b", same))
    assert (difference.estimate.mean, difference.p, difference.p_mcnemar) == (0.0, 1.0, 1.0)


def test_arms_that_can_not_be_told_apart_share_a_rank():
    generator = np.random.default_rng(4)

    def draw(p):
        return (generator.random((3, 400)) < p).astype(float)

    arms = [arm("low", draw(0.2)), arm("high", draw(0.60)), arm("also high", draw(0.61))]
    ranks = share_ranks({a.name: a.scores.mean() for a in arms}, compare_all(arms))
    assert ranks == {"high": 1, "also high": 1, "low": 3}


@pytest.fixture
def t_test_alone(monkeypatch):
    """Leave out the bootstrap, which decides nothing: it takes most of the time."""
    monkeypatch.setattr(module, "bootstrap_test", lambda first, second: 1.0)


def _false_positives(seeds, questions, accuracy, difficulty, seed_sd, studies):
    simulated = LogitStudies(accuracy, difficulty, seed_sd)
    pairs = simulated.draw_pairs(np.random.default_rng(8), studies, seeds, questions)
    return np.mean([compare_pair(arm("a", first), arm("b", second)).p < 0.05 for first, second in pairs])


@pytest.mark.parametrize(
    "setting", [(3, 200, 0.5, 1.5, 0.0), (3, 200, 0.5, 1.5, 0.4), (5, 200, 0.1, 1.5, 0.2)]
)
def test_false_positives_are_at_most_5_percent_where_arms_are_equal(t_test_alone, setting):
    # Two standard errors of a share of 1,500 beside the bound.
    assert _false_positives(*setting, studies=1500) <= 0.061


@pytest.mark.slow
def test_false_positives_are_at_most_5_percent_over_the_settings_that_matter(t_test_alone):
    grid = itertools.product((2, 3, 5), (100, 500), (0.02, 0.5, 0.9), (1.5, 3.0), (0.0, 0.15, 0.5))
    found = {setting: _false_positives(*setting, studies=500) for setting in grid}
    # Three standard errors of a share of 500 beside the bound; all together they keep to it.
    assert max(found.values()) <= 0.079, max(found, key=found.get)
    assert np.mean(list(found.values())) <= 0.05


def test_holm_keeps_the_false_positives_of_a_whole_study_at_5_percent(t_test_alone):
    simulated = LogitStudies(0.5, 1.5, 0.2)
    clear = [
        any(
            difference.is_clear
            for difference in compare_all([arm(str(i), hits) for i, hits in enumerate(arms)])
        )
        for arms in simulated.draw_pairs(np.random.default_rng(9), 300, 3, 150, arms=5)
    ]
    assert np.mean(clear) <= 0.05


def _compare_arms_that_differ_by(size, generator):
    questions = generator.uniform(0.1, 0.8, (1, 300))
    better, worse = ((generator.random((3, 300)) < questions + s).astype(float) for s in (size, 0.0))
    return compare_pair(arm("a", better), arm("b", worse))


def test_detectable_difference_is_seen_in_about_80_percent_of_studies(t_test_alone):
    generator = np.random.default_rng(10)
    size = np.median([_compare_arms_that_differ_by(0.08, generator).detectable for _ in range(200)])
    seen = [_compare_arms_that_differ_by(size, generator).p < 0.05 for _ in range(600)]
    assert 0.7 <= np.mean(seen) <= 0.9


def test_bootstrap_agrees_with_scipy_where_there_is_one_seed():
    generator = np.random.default_rng(11)
    first, second = (generator.random((1, 120)) < 0.6) * 1.0, (generator.random((1, 120)) < 0.45) * 1.0
    values = (first - second)[0]
    resampled = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1)
    draws = resampled.bootstrap_distribution
    expected = 2 * min((draws <= 0).mean(), (draws >= 0).mean())
    assert compare_pair(arm("a", first), arm("b", second)).p_bootstrap == pytest.approx(expected, abs=0.02)
