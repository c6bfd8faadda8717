"""Learning curves: means over the trainings, and their steps."""

import pytest

from analysis.searching.learning import learning_curve
from tests.analysis.opened import first_arm
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, write_history


def test_learning_curve_is_the_mean_over_the_seeds(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5)
    arm = first_arm(tmp_path)
    curve = learning_curve(arm)
    assert curve.steps == list(range(20, 201, 20))
    assert curve.repeats == 3
    first = [open_history(arm, row)[0] for row in arm.confirm]
    assert curve.losses[0].mean == pytest.approx(sum(first) / 3)
    assert learning_curve(arm, "validation_loss").steps == [100, 200]


def test_learning_curve_of_scored_models_is_that_of_their_trainings(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=3)
    curve = learning_curve(first_arm(tmp_path))
    assert (curve.steps, curve.repeats) == ([10, 20], 3)


def test_second_phase_goes_on_where_the_first_ended(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5, seeds=(1,))
    arm = first_arm(tmp_path)
    trial = arm.confirm[0]["trial"]
    points = [(1, 10, 2.0), (1, 20, 1.5), (2, 10, 1.2), (2, 20, 1.0)]
    write_history(
        tmp_path,
        trial,
        [{"trial": trial, "phase": p, "step": step, "loss": loss} for p, step, loss in points],
    )
    curve = learning_curve(arm)
    assert curve.steps == [10, 20, 30, 40]
    assert [loss.mean for loss in curve.losses] == [2.0, 1.5, 1.2, 1.0]


def open_history(arm, row):
    return arm.study.read("history", row["trial"], ["loss"])["loss"].to_pylist()


def test_arm_without_history_has_no_curve(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5)
    for path in (tmp_path / "history").glob("*"):
        path.unlink()
    arm = first_arm(tmp_path)
    assert learning_curve(arm) is None
    (exclusion,) = arm.study.exclusions
    assert exclusion.what.endswith("/history")
    assert exclusion.reason.startswith("missing for 3 of 3 trainings: deleted, or ")
