"""Which hyperparameters mattered: shares of the variance that fANOVA finds."""

import itertools
import math

import pytest

from analysis.arms.grouping import group_arms
from analysis.reading.folders import open_studies
from analysis.searching.importance import importances
from analysis.searching.ranges import varied
from tests.analysis.opened import first_arm
from tests.analysis.searching.searches import write_search
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row


def test_importance_is_that_of_the_hyperparameter_that_decides(tmp_path):
    grid = itertools.product([1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1], [4, 8])
    write_search(tmp_path, [(rate, rank, 50 + 10 * math.log10(rate)) for rate, rank in grid])
    arm = first_arm(tmp_path)
    assert varied(arm.search) == ["rank", "learning_rate"]
    found = importances([arm])
    assert found["learning_rate"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)


def test_what_separates_the_arms_of_a_method_explains_nothing(tmp_path):
    for variant, level in (("main", 10), ("socratic", 80)):
        arm = SimulatedArm("lora", variant)
        write_study(tmp_path, [arm], questions=5)
        for number, (rate, rank) in enumerate(itertools.product([1e-4, 1e-3, 1e-2, 1e-1], [4, 8])):
            columns = {"stage": "search", "learning_rate": rate, "rank": rank, "accuracy": level + rank}
            write_row(tmp_path, trial_row(arm, 100 + number, **columns))
    (study,) = open_studies([tmp_path])
    found = importances(group_arms(study))
    assert found["rank"] > 0.95


def test_importances_of_a_few_trials_are_not_given(tmp_path):
    write_search(tmp_path, [(1e-3, 4, 10.0), (1e-2, 8, 20.0)])
    assert importances([first_arm(tmp_path)]) is None
