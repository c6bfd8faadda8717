"""The smallest difference that a study can see, against the project's own test, and measured spreads."""

from typing import Any

import numpy as np
import pytest

from benchmarks.protocol_rates import measure_resolution
from study.cost.resolution import (
    ACCURACY,
    CORRELATION,
    SEED_SPREAD,
    describe_resolution,
    least_difference,
    spread_on_record,
)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ((2000, 5), (500, 5)),
        ((500, 8), (500, 5)),
        ((500, 5, 1), (500, 5, 6)),
        ((500, 5, 1, 1.0), (500, 5, 1, 2.0)),
    ],
)
def test_more_questions_and_repeats_fewer_contrasts_and_less_spread_see_smaller_differences(
    more: tuple[Any, ...], less: tuple[Any, ...]
) -> None:
    assert least_difference(*more) < least_difference(*less)


@pytest.mark.parametrize(
    ("repeats", "questions", "spread", "contrasts"),
    [
        (3, 150, 0.5, 1),
        (3, 500, 2.0, 6),
        (5, 150, 3.0, 20),
        (5, 500, 1.8, 1),
        (8, 500, 1.0, 6),
        (12, 150, 1.0, 20),
    ],
)
def test_the_studys_own_test_sees_it_four_times_in_five(
    repeats: int, questions: int, spread: float, contrasts: int
) -> None:
    figures = measure_resolution(questions, repeats, spread, contrasts, 800, np.random.default_rng(1))
    # Its standard error is 1.4 points; the benchmark holds .77 to .83 with more studies.
    assert figures["power"] == pytest.approx(0.80, abs=0.045)


def test_formula_of_the_seeds_alone_would_promise_too_much() -> None:
    """With normal quantiles 80% power would be promised at a difference that 3 repeats see far less often."""
    sampling = ACCURACY * (1 - ACCURACY) * (1 - CORRELATION) / 500
    naive = 2.8 * (2 * (sampling + 0.018**2) / 3) ** 0.5 * 100
    assert least_difference(500, 3, 1, 1.8) > 1.3 * naive


def confirm_row(arm: str, replicate: int | None, accuracy: float | None, **columns: Any) -> dict[str, Any]:
    row = {"study": "s", "stage": "confirm", "status": "complete", "questions": 500}
    return {**row, "arm": arm, "replicate": replicate, "accuracy": accuracy, **columns}


def simulate_rows(
    generator: np.random.Generator, spread: float, arms: int, replicates: int
) -> list[dict[str, Any]]:
    chance = 100 * (ACCURACY * (1 - ACCURACY) * (1 - CORRELATION) / 500) ** 0.5
    sd = np.hypot(spread, chance)
    return [
        confirm_row(f"arm {arm}", replicate, 25 + arm + generator.normal(0, sd))
        for arm in range(arms)
        for replicate in range(replicates)
    ]


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_spread_is_measured_around_each_arms_mean_without_what_chance_answers_add(spread: float) -> None:
    generator = np.random.default_rng(0)
    found = [spread_on_record(simulate_rows(generator, spread, 4, 6)) for _ in range(200)]
    squares = np.mean([value**2 for value in found if value is not None])
    assert squares == pytest.approx(spread**2, rel=0.1, abs=0.4)


def test_few_replicates_measure_no_spread() -> None:
    generator = np.random.default_rng(0)
    assert spread_on_record([]) is None
    assert spread_on_record(simulate_rows(generator, 1.0, 1, 4)) is None
    assert spread_on_record(simulate_rows(generator, 1.0, 1, 5)) is not None
    assert spread_on_record(simulate_rows(generator, 1.0, 4, 1)) is None


def test_only_finished_confirm_trials_of_a_replicate_count() -> None:
    rows = simulate_rows(np.random.default_rng(0), 1.0, 2, 5)
    others = [
        confirm_row("arm 0", None, 90.0),
        confirm_row("arm 0", 7, None),
        confirm_row("arm 0", 7, 90.0, status="failed"),
        confirm_row("arm 0", 7, 90.0, stage="search"),
    ]
    assert spread_on_record([*rows, *others]) == spread_on_record(rows)


def test_seeds_of_a_replicate_count_with_their_mean() -> None:
    rows = [confirm_row("arm", r, 20.0 + r + gap) for r in range(6) for gap in (-5.0, 5.0)]
    found = spread_on_record(rows)
    # The means are 20 to 25: their variance is 3.5, less half of what 500 answers by chance add, 2.7.
    chance = 100**2 * ACCURACY * (1 - ACCURACY) * (1 - CORRELATION) / 500
    assert found == pytest.approx((3.5 - chance / 2) ** 0.5)


def test_sentence_says_what_is_compared_and_what_is_assumed() -> None:
    said = describe_resolution(500, 5, 0, 6)
    assert f"{least_difference(500, 5, 6):.1f} points and more between two recipes" in said
    assert "500 questions, 5 replicates; 80% power at 5%, corrected over 6 planned contrasts" in said
    assert "assumed: 30% right, answers correlate 0.36, replicates differ by 1.8 points (sd)" in said


def test_sentence_says_what_was_measured() -> None:
    said = describe_resolution(500, 5, 0, 1, measured=1.2)
    assert f"{least_difference(500, 5, 1, 1.2):.1f} points" in said
    assert "one contrast" in said
    assert "measured: replicates differ by 1.2 points (sd)" in said


def test_one_search_is_said_to_leave_the_search_out() -> None:
    said = describe_resolution(500, 1, 3, measured=9.0)
    assert (
        f"{least_difference(500, 3, 1, SEED_SPREAD):.1f} points and more between two configurations" in said
    )
    assert "the search is left out" in said
    assert "3 seeds" in said


def test_one_seed_of_one_search_sees_nothing() -> None:
    assert describe_resolution(500, 1, 1).startswith("no difference between arms")
    assert describe_resolution(500, 1, 0).startswith("no difference between arms")
