"""Arms: what their scores vary over, in both protocols, in one search and in old folders."""

from datetime import timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.analysis.opened import compare
from tests.analysis.simulated import write_study
from tests.analysis.simulated_replicates import Protocol, age, write_replicates
from tests.analysis.simulated_trials import STARTED, SimulatedArm, trial_row, write_predictions, write_row

LORA, QLORA = SimulatedArm(), SimulatedArm("qlora", accuracy=0.3)
FLOOR = SimulatedArm("floor_echo", accuracy=0.05)


def correct(arm, trial):
    table = arm.study.read("predictions", trial, ["question_id", "correct"])
    pairs = sorted(zip(table["question_id"].to_pylist(), table["correct"].to_pylist(), strict=True))
    return [float(right) for _, right in pairs]


def test_replicates_whose_models_were_kept_are_the_rows(tmp_path):
    write_replicates(tmp_path, [LORA], Protocol(replicates=4, search_trials=2))
    (row,) = compare(tmp_path).rows
    assert (row.repeats, row.unit, row.planned, row.trials) == (4, "replicate", 4, 4)
    assert row.arm.planned_search == 8
    expected = [correct(row.arm, trial["trial"]) for trial in row.arm.confirm]
    assert row.arm.scores.matrices["accuracy"].tolist() == expected


def test_row_of_a_replicate_is_the_mean_over_its_seeds(tmp_path):
    write_replicates(tmp_path, [LORA], Protocol(replicates=3, search_trials=1, confirm_seeds=2))
    (row,) = compare(tmp_path).rows
    assert (row.repeats, row.unit, row.planned, row.trials) == (3, "replicate", 3, 6)
    matrix = row.arm.scores.matrices["accuracy"]
    for replicate in range(3):
        own = [trial for trial in row.arm.confirm if trial["replicate"] == replicate]
        expected = np.mean([correct(row.arm, trial["trial"]) for trial in own], axis=0)
        assert matrix[replicate].tolist() == expected.tolist()
    assert 0.5 in matrix
    assert row.estimates["accuracy"].low < row.estimates["accuracy"].mean < row.estimates["accuracy"].high


def test_seeds_are_the_rows_of_one_search(tmp_path):
    write_study(tmp_path, [LORA], seeds=(1, 2, 3), search_trials=2)
    (row,) = compare(tmp_path).rows
    assert (row.repeats, row.unit, row.planned) == (3, "seed", 3)


def test_one_search_with_its_one_model_has_no_interval(tmp_path):
    write_replicates(tmp_path, [LORA], Protocol(replicates=1, search_trials=3))
    result = compare(tmp_path)
    assert (result.rows[0].repeats, result.rows[0].unit) == (1, "replicate")
    assert result.rows[0].estimates["accuracy"].low is None
    assert "No interval: one replicate only (lora main)." in result.notes


def test_old_folder_is_one_search_with_several_seeds(tmp_path):
    write_study(tmp_path, [LORA, FLOOR], seeds=(1, 2, 3), search_trials=2)
    new = compare(tmp_path)
    old = compare(age(tmp_path))
    assert [(row.repeats, row.unit, row.planned) for row in old.rows][:1] == [(3, "seed", 3)]
    assert [row.estimates["accuracy"] for row in old.rows] == [row.estimates["accuracy"] for row in new.rows]
    assert old.notes == new.notes


@pytest.mark.parametrize("seeds", [0, 1])
def test_later_model_of_a_replicate_replaces_the_earlier(tmp_path, seeds):
    write_replicates(tmp_path, [LORA], Protocol(3, 2, seeds))
    (row,) = compare(tmp_path).rows
    first = row.arm.confirm[0]
    later = {**first, "trial": "0123456789abcdef", "ended_at": STARTED + timedelta(hours=1)}
    answers = pq.read_table(tmp_path / "predictions" / f"{first['trial']}.parquet").to_pydict()
    write_predictions(
        tmp_path, later["trial"], {**answers, "trial": [later["trial"]] * len(answers["trial"])}
    )
    write_row(tmp_path, later)
    result = compare(tmp_path)
    assert result.rows[0].repeats == 3
    assert result.rows[0].arm.confirm[0]["trial"] == later["trial"]
    what = "seed" if seeds else "replicate"
    assert (
        f"Left out: trial {first['trial']}: a later one has its arm and {what} (lora main)." in result.notes
    )


def test_replicate_that_failed_is_counted(tmp_path):
    write_replicates(tmp_path, [LORA], Protocol(4), ran={"lora main": 3})
    write_row(tmp_path, trial_row(LORA, 77, replicate=3, status="failed", reason="no"))
    result = compare(tmp_path)
    assert (result.rows[0].repeats, result.rows[0].planned) == (3, 4)
    assert "lora main: 3 of 4 confirm trials scored (1 failed)." in result.notes
