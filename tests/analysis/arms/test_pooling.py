"""Arms of several studies as one: where they are equal, and what counts once."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.opened import compare
from tests.analysis.simulated import write_description, write_study
from tests.analysis.simulated_replicates import Protocol, age, write_replicates
from tests.analysis.simulated_trials import SimulatedArm

LORA, QLORA = SimulatedArm(), SimulatedArm("qlora", accuracy=0.3)
FLOOR = SimulatedArm("floor_echo", accuracy=0.05)


def test_equal_arms_of_two_studies_are_more_replicates_of_one(tmp_path):
    write_replicates(tmp_path / "one", [LORA, QLORA, FLOOR], Protocol(3), seed=0)
    write_replicates(tmp_path / "two", [LORA, QLORA, FLOOR], Protocol(2), seed=1)
    result = compare(tmp_path)
    assert [row.name for row in result.rows][:2] == ["lora main", "qlora main"]
    assert [(row.repeats, row.planned, row.arm.planned_search) for row in result.rows[:2]] == [(5, 5, 10)] * 2
    alone = [compare(tmp_path / name).rows[0].arm.scores.matrices["accuracy"] for name in ("one", "two")]
    assert result.rows[0].arm.scores.matrices["accuracy"].tolist() == np.vstack(alone).tolist()
    (note,) = [note for note in result.notes if note.startswith("Pooled")]
    assert "the replicates of one and two (lora main, qlora main)" in note


def test_rows_without_training_count_once_in_a_pool(tmp_path):
    for seed, name in enumerate(("one", "two")):
        floor = replace(FLOOR, columns={"seed": seed})
        write_replicates(tmp_path / name, [LORA, floor], Protocol(2), seed=seed)
    rows = compare(tmp_path).rows
    assert [row.name for row in rows] == ["lora main", "floor_echo main"]
    assert rows[1].repeats == 1


def test_copy_of_a_study_counts_once(tmp_path):
    write_replicates(tmp_path / "one", [LORA], Protocol(3))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    result = compare(tmp_path)
    assert (result.rows[0].repeats, result.rows[0].planned) == (3, 3)
    assert result.rows[0].estimates == compare(tmp_path / "one").rows[0].estimates
    assert any("9 trials stand in more than one of" in note for note in result.notes)
    assert not any(note.startswith("Pooled") for note in result.notes)


def test_two_old_studies_are_two_replicates_of_nested_seeds(tmp_path):
    for seed, name in enumerate(("one", "two")):
        # Another study's seeds have other numbers, and its trials other ids.
        write_study(tmp_path / name, [LORA], seeds=(10 * seed + 1, 10 * seed + 2), seed=seed)
        write_description(tmp_path / name, [LORA], (1, 2), 0, seed=seed)
        age(tmp_path / name)
    (row,) = compare(tmp_path).rows
    assert (row.repeats, row.unit, row.trials) == (2, "replicate", 4)
    each = [compare(tmp_path / name).rows[0].arm.scores.matrices["accuracy"] for name in ("one", "two")]
    assert row.arm.scores.matrices["accuracy"].tolist() == [matrix.mean(axis=0).tolist() for matrix in each]


@pytest.mark.parametrize(
    "change", [{"search_trials": 3}, {"guesses": [{"rank": 4}]}, {"values": {"max_steps": 9}}, {"ranges": {}}]
)
def test_arms_of_another_configuration_space_are_not_pooled(tmp_path, change):
    write_replicates(tmp_path / "one", [LORA], Protocol(2), seed=0)
    write_replicates(tmp_path / "two", [LORA], Protocol(2), seed=1)
    plan = {"replicates": 2, "confirm_seeds": 0, **change}
    write_description(tmp_path / "two", [LORA], (), 2, arm_plan=plan, seed=1)
    assert [row.repeats for row in compare(tmp_path).rows] == [2, 2]


def test_arms_with_other_test_questions_are_not_pooled(tmp_path):
    write_replicates(tmp_path / "one", [LORA], Protocol(2), seed=0)
    write_replicates(tmp_path / "two", [LORA], Protocol(2), seed=1, topic="pears")
    assert [row.repeats for row in compare(tmp_path).rows] == [2, 2]
