"""The smallest difference that a study can see: against the embedded study's figure, and by simulation."""

import numpy as np
import pytest

from analysis.differences import Answers, compare_pair
from study.resolution import ACCURACY, CORRELATION, SEED_SPREAD, least_difference


def test_it_is_near_what_the_embedded_study_measures_of_itself() -> None:
    assert least_difference(500, 3) == pytest.approx(5.2, abs=0.3)


@pytest.mark.parametrize(("more", "less"), [((2000, 3), (500, 3)), ((500, 5), (500, 3))])
def test_more_questions_and_more_seeds_see_smaller_differences(
    more: tuple[int, int], less: tuple[int, int]
) -> None:
    assert least_difference(*more) < least_difference(*less)


def simulate(generator: np.random.Generator, questions: int, seeds: int, difference: float) -> list[Answers]:
    """Return two arms' scores of the assumed mean, correlation and seed spread, `difference` points apart."""
    variance = ACCURACY * (1 - ACCURACY)
    common = generator.normal(0, (CORRELATION * variance) ** 0.5, questions)
    return [
        Answers(
            name,
            mean
            + common
            + generator.normal(0, SEED_SPREAD, (seeds, 1))
            + generator.normal(0, ((1 - CORRELATION) * variance) ** 0.5, (seeds, questions)),
        )
        for name, mean in (("first", ACCURACY), ("second", ACCURACY + difference / 100))
    ]


def test_the_studys_own_test_sees_it_four_times_in_five() -> None:
    generator = np.random.default_rng(0)
    least = least_difference(300, 3)
    pairs = [compare_pair(*simulate(generator, 300, 3, least)) for _ in range(120)]
    seen = np.mean([pair.p is not None and pair.p < 0.05 and pair.better == "second" for pair in pairs])
    assert 0.7 < seen < 0.9
