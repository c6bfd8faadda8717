"""Means and their intervals: against figures worked out by hand, statsmodels, and simulated studies."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from analysis.intervals import (
    mean_interval,
    mean_squares,
    perplexity_interval,
    seed_interval,
    share_interval,
)


def test_mean_squares_of_a_small_matrix_are_those_worked_out_by_hand():
    squares = mean_squares(np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]]))
    # Seed means 3 and 5, question means 2, 3 and 7, grand mean 4; the matrix is additive.
    assert squares.mean == 4.0
    assert squares.seeds == 3 * (1 + 1) / 1
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
    assert [squares.seeds, squares.questions, squares.residual] == pytest.approx(expected)


def test_interval_over_identical_seeds_is_that_over_questions_alone():
    row = np.random.default_rng(2).normal(size=50)
    estimate = mean_interval(np.stack([row, row, row]))
    expected = stats.ttest_1samp(row, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_interval_where_only_the_seeds_differ_is_that_over_seeds_alone():
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


def _answers(generator, seeds, questions, accuracy, seed_sd):
    """Right answers of a model whose questions differ in difficulty and whose seeds differ in skill."""
    skill = logit(accuracy) + generator.normal(0, seed_sd, (seeds, 1))
    ability = skill + generator.normal(0, 1.5, (1, questions)) + generator.normal(0, 0.5, (seeds, questions))
    return (generator.random((seeds, questions)) < expit(ability)).astype(float)


def _true_accuracy(accuracy, seed_sd):
    spread = np.sqrt(1.5**2 + 0.5**2 + seed_sd**2)
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(weights @ expit(logit(accuracy) + spread * points) / weights.sum())


@pytest.mark.parametrize(
    ("seeds", "questions", "accuracy", "seed_sd"),
    [(3, 300, 0.5, 0.15), (3, 300, 0.05, 0.15), (3, 200, 0.01, 0.4), (5, 300, 0.5, 0.0), (5, 200, 0.2, 0.4)],
)
def test_95_percent_intervals_cover_the_truth_in_93_to_97_percent_of_studies(
    seeds, questions, accuracy, seed_sd
):
    generator = np.random.default_rng(5)
    truth = _true_accuracy(accuracy, seed_sd)
    estimates = [
        share_interval(_answers(generator, seeds, questions, accuracy, seed_sd)) for _ in range(2000)
    ]
    covered = np.mean([e.low <= truth <= e.high for e in estimates])
    # Two standard errors of a share of 2,000 beside the bounds.
    assert 0.92 <= covered <= 0.98


def test_perplexity_intervals_cover_the_truth():
    generator = np.random.default_rng(6)
    tokens = np.tile(generator.integers(5, 40, 200).astype(float), (3, 1))
    covered = 0
    for _ in range(1000):
        rate = 1.2 + generator.normal(0, 0.03, (3, 1)) + generator.normal(0, 0.4, (1, 200))
        estimate = perplexity_interval((rate + generator.normal(0, 0.2, (3, 200))) * tokens, tokens)
        covered += estimate.low <= np.exp(1.2) <= estimate.high
    assert 0.92 <= covered / 1000 <= 0.98
