"""Means and their intervals: against figures worked out by hand, statsmodels, and simulated studies."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.intervals import (
    SMALLEST_P,
    Uncertainty,
    mean_interval,
    mean_squares,
    perplexity_interval,
    seed_interval,
    share_interval,
    weight_power,
)
from tests.analysis.logit_studies import LogitStudies

# Three standard errors of a share near 95% of 1,000 studies.
MONTE_CARLO = 0.021


def test_mean_squares_of_a_small_matrix_are_those_worked_out_by_hand():
    squares = mean_squares(np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]]))
    # Seed means 3 and 5, question means 2, 3 and 7, grand mean 4; the matrix is additive.
    assert squares.mean == 4.0
    assert squares.repeats == 3 * (1 + 1) / 1
    assert squares.questions == 2 * (4 + 1 + 9) / 2
    assert squares.residual == pytest.approx(0.0)


def test_mean_squares_agree_with_statsmodels():
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    scores = np.random.default_rng(1).normal(size=(4, 12)) + np.arange(4)[:, None]
    frame = pd.DataFrame(
        {"y": scores.ravel(), "seed": np.repeat(range(4), 12), "question": np.tile(range(12), 4)}
    )
    table = anova_lm(ols("y ~ C(seed) + C(question)", data=frame).fit())
    squares = mean_squares(scores)
    expected = table.loc[["C(seed)", "C(question)", "Residual"], "mean_sq"].to_numpy()
    assert [squares.repeats, squares.questions, squares.residual] == pytest.approx(expected)


def test_interval_over_identical_repeats_is_that_over_questions_alone():
    row = np.random.default_rng(2).normal(size=50)
    estimate = mean_interval(np.stack([row, row, row]))
    expected = stats.ttest_1samp(row, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_interval_where_only_the_repeats_differ_is_that_over_repeats_alone():
    values = np.array([0.2, 0.3, 0.7])
    estimate = mean_interval(np.tile(values[:, None], (1, 40)))
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_single_seed_has_a_mean_and_no_interval():
    hits = np.array([[1.0, 0.0, 0.0, 1.0]])
    assert share_interval(hits).mean == 0.5
    assert share_interval(hits).low is None
    assert mean_interval(hits).high is None
    assert seed_interval([3.0]).low is None


def test_untrained_row_has_an_interval_over_its_questions():
    hits = np.zeros((1, 100))
    hits[0, :20] = 1
    estimate = share_interval(hits, deterministic=True)
    assert estimate.low == pytest.approx(0.13, abs=0.01)
    assert estimate.high == pytest.approx(0.29, abs=0.01)


def test_nothing_right_still_has_an_upper_bound():
    estimate = share_interval(np.zeros((3, 200)))
    assert estimate.low == 0.0
    # Wilson's bound at 0 of n is t^2 / (n + t^2); the three seeds agree, so n counts questions.
    t = stats.t.ppf(0.975, 199)
    assert estimate.high == pytest.approx(t**2 / (200 + t**2))


def test_perplexity_is_of_the_whole_split_and_not_a_mean_of_questions():
    nll, tokens = np.array([[10.0, 2.0]]), np.array([[5.0, 4.0]])
    assert perplexity_interval(nll, tokens).mean == pytest.approx(np.exp(12 / 9))


def test_cost_interval_is_students():
    estimate = seed_interval([10.0, 12.0, 14.0])
    half = stats.t.ppf(0.975, 2) * 2 / 3**0.5
    assert (estimate.low, estimate.high) == pytest.approx((12 - half, 12 + half))


def test_critical_value_lies_between_the_two_ts_by_the_parts_of_the_variance():
    by_seeds, by_questions = stats.t.ppf(0.975, 2), stats.t.ppf(0.975, 99)
    assert Uncertainty(4.0, 2, 0.0, 99, 0.0).margin(0.975) == pytest.approx(2 * by_seeds)
    assert Uncertainty(0.0, 2, 4.0, 99, 0.0).margin(0.975) == pytest.approx(2 * by_questions)
    weight = 0.5 ** weight_power(2)
    expected = 2 * (weight * by_seeds + (1 - weight) * by_questions)
    assert Uncertainty(2.0, 2, 2.0, 99, 0.0).margin(0.975) == pytest.approx(expected)


def test_p_value_is_where_the_interval_ends_at_0():
    uncertainty = Uncertainty(2.0, 2, 2.0, 99, 3.0)
    for p in (0.3, 0.05, 0.001):
        assert uncertainty.p_value(-uncertainty.margin(1 - p / 2)) == pytest.approx(p, rel=1e-5)
    assert uncertainty.p_value(0.0) == pytest.approx(1.0, rel=1e-5)
    assert Uncertainty(0.0, 1, 1.0, 1000, 1.0).p_value(100.0) == SMALLEST_P


def test_seeds_that_agree_by_chance_do_not_make_an_interval_narrow():
    generator = np.random.default_rng(12)
    first = generator.permutation(np.repeat([1.0, 0.0], 50))
    hits = np.stack([first, generator.permutation(first)])
    squares = mean_squares(hits)
    assert squares.repeats == 0.0
    estimate = share_interval(hits)
    alone = share_interval(hits.mean(axis=0, keepdims=True).round(), deterministic=True)
    assert estimate.high - estimate.low > 0.4 * (alone.high - alone.low)


# Settings that cover what studies look like: (seeds, questions, accuracy, spread of the questions' difficulty
# and of the seeds' skill, both as standard deviations in logits; a spread of 0.5 is up to 6 points).
QUICK = [(3, 200, 0.5, 2.0, 0.0), (3, 500, 0.3, 2.0, 0.3), (5, 200, 0.1, 1.5, 0.2)]
GRID = [
    *itertools.product((2, 3, 5), (100, 500), (0.02, 0.1, 0.5, 0.9), (1.5, 3.0), (0.0, 0.15, 0.5)),
    *itertools.product((3,), (1319,), (0.02, 0.5), (1.5,), (0.0, 0.15, 0.5)),
]


def _coverage(seeds, questions, accuracy, difficulty, seed_sd, studies):
    simulated = LogitStudies(accuracy, difficulty, seed_sd)
    covered = 0
    for hits in simulated.draw(np.random.default_rng(5), studies, seeds, questions):
        estimate = share_interval(hits)
        covered += estimate.low <= accuracy <= estimate.high
    return covered / studies


@pytest.mark.parametrize("setting", QUICK)
def test_95_percent_intervals_cover_the_truth_in_93_to_97_percent_of_studies(setting):
    assert 0.93 <= _coverage(*setting, studies=2000) <= 0.97


@pytest.mark.slow
def test_coverage_holds_over_the_settings_that_matter():
    covered = {setting: _coverage(*setting, studies=1000) for setting in GRID}
    for setting, share in covered.items():
        # Two seeds that are alike by chance get an interval wider than need be.
        most = 0.99 if setting[0] == 2 else 0.97
        assert 0.93 - MONTE_CARLO <= share <= most + MONTE_CARLO, setting
    for seeds in (3, 5):
        own = [share for setting, share in covered.items() if setting[0] == seeds]
        assert 0.94 <= np.mean(own) <= 0.96


def test_share_of_replicates_with_several_seeds_is_wilsons_with_the_matrixs_own_variance():
    generator = np.random.default_rng(21)
    hits = (generator.random((5, 2, 150)) < 0.3 + generator.normal(0, 0.05, (5, 1, 1))).mean(axis=1)
    estimate = share_interval(hits)
    p, half = hits.mean(), mean_interval(hits).high - hits.mean()
    # Wilson's bounds are where the share's distance from p is that many standard errors of the bound itself.
    for bound in (estimate.low, estimate.high):
        assert abs(p - bound) == pytest.approx(half * (bound * (1 - bound) / (p * (1 - p))) ** 0.5)


def test_intervals_of_replicates_with_several_seeds_cover_the_truth():
    generator = np.random.default_rng(22)
    covered = 0
    for _ in range(1500):
        ability = generator.normal(0, 1.5, (1, 1, 200)) + generator.normal(0, 0.2, (5, 1, 1))
        ability = ability + generator.normal(0, 0.2, (5, 2, 1))
        hits = (generator.random((5, 2, 200)) < 1 / (1 + np.exp(-ability))).mean(axis=1)
        estimate = share_interval(hits)
        covered += estimate.low <= 0.5 <= estimate.high
    assert 0.93 <= covered / 1500 <= 0.97


def test_perplexity_intervals_cover_the_truth():
    generator = np.random.default_rng(6)
    tokens = np.tile(generator.integers(5, 40, 200).astype(float), (3, 1))
    covered = 0
    for _ in range(1000):
        rate = 1.2 + generator.normal(0, 0.03, (3, 1)) + generator.normal(0, 0.4, (1, 200))
        estimate = perplexity_interval((rate + generator.normal(0, 0.2, (3, 200))) * tokens, tokens)
        covered += estimate.low <= np.exp(1.2) <= estimate.high
    assert 0.92 <= covered / 1000 <= 0.98
