"""The comparison: its figures, and what it says about gaps."""

import numpy as np
import pytest

from analysis.tables import closing_table
from tests.analysis.opened import compare, shown
from tests.analysis.simulated import STUDY_ARMS, write_description, write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_predictions, write_row

ZERO_SHOT = SimulatedArm("zero_shot", accuracy=0.02)
FLOOR = SimulatedArm("floor_echo", accuracy=0.0)


def test_accuracy_is_the_mean_of_the_predictions_in_percent(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=4, seeds=())
    for seed, correct in ((1, [1, 1, 0, 0]), (2, [1, 0, 0, 0])):
        row = trial_row(SimulatedArm(), seed)
        columns = {"question_id": ["a", "b", "c", "d"], "number": ["1", None, "2", "3"]}
        write_predictions(tmp_path, row["trial"], {**columns, "correct": np.array(correct, bool)})
        write_row(tmp_path, row)
    (row,) = compare(tmp_path).rows
    assert row.estimates["accuracy"].mean == pytest.approx(37.5)
    assert row.estimates["answered"].mean == pytest.approx(75.0)
    assert "rouge1" not in row.estimates
    assert row.repeats == 2


def test_questions_are_matched_by_their_ids_and_not_by_their_order(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=4, seeds=())
    for seed, ids in ((1, ["a", "b", "c", "d"]), (2, ["d", "c", "b", "a"])):
        row = trial_row(SimulatedArm(), seed)
        correct = [question in "ab" for question in ids]
        write_predictions(tmp_path, row["trial"], {"question_id": ids, "correct": correct})
        write_row(tmp_path, row)
    (row,) = compare(tmp_path).rows
    assert row.arm.scores.matrices["accuracy"].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0]]


def test_likelihood_that_is_no_number_leaves_the_perplexity_out(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=2, seeds=())
    row = trial_row(SimulatedArm())
    columns = {
        "question_id": ["a", "b"],
        "correct": [True, False],
        "nll": [1.0, float("nan")],
        "tokens": [3, 3],
    }
    write_predictions(tmp_path, row["trial"], columns)
    write_row(tmp_path, row)
    (found,) = compare(tmp_path).rows
    assert "accuracy" in found.estimates
    assert "perplexity" not in found.estimates


def test_reference_rows_stand_at_the_foot(tmp_path):
    write_study(tmp_path, STUDY_ARMS)
    rows = compare(tmp_path).rows
    assert [row.arm.method for row in rows] == ["lora", "qlora", "zero_shot", "floor_echo"]
    assert "perplexity" not in rows[-1].estimates
    assert rows[2].estimates["accuracy"].low is not None


def test_reference_rows_may_be_planned_arms_too(tmp_path):
    write_study(tmp_path, STUDY_ARMS, seeds=(1, 2))
    write_description(tmp_path, STUDY_ARMS, (1,), 0)
    rows = compare(tmp_path).rows
    assert [row.name for row in rows] == ["lora main", "qlora main", "zero_shot main", "floor_echo main"]
    assert (rows[2].repeats, rows[2].planned) == (1, 1)


def test_failed_and_missing_trials_are_counted(tmp_path):
    write_study(tmp_path, [SimulatedArm()], seeds=(1, 2))
    write_row(tmp_path, trial_row(SimulatedArm(), 3, status="out_of_memory", reason="no memory"))
    result = compare(tmp_path)
    (row,) = result.rows
    assert (row.repeats, row.planned, row.unfinished) == (2, 2, {"out_of_memory": 1})
    assert "lora main: 2 of 2 confirm trials scored (1 out of memory)." in result.notes


def test_search_that_fell_short_of_its_plan_is_said(tmp_path):
    write_study(tmp_path, [SimulatedArm()], search_trials=2)
    write_description(tmp_path, [SimulatedArm()], (1, 2, 3), 5)
    for number, status in ((2, "pruned"), (3, "diverged")):
        columns = {"stage": "search", "search_number": number, "status": status, "accuracy": None}
        write_row(tmp_path, trial_row(SimulatedArm(), 100 + number, **columns))
    assert "lora main: 3 of 5 search trials finished (1 diverged)." in compare(tmp_path).notes


def test_arm_with_all_trials_failed_is_a_row(tmp_path):
    write_study(tmp_path, [SimulatedArm()])
    write_row(tmp_path, trial_row(SimulatedArm("full"), status="failed", reason="no"))
    rows = compare(tmp_path).rows
    assert rows[1].name == "full main"
    assert (rows[1].repeats, rows[1].estimates) == (0, {})
    assert "full main" in shown(closing_table(tmp_path))


def test_single_seed_has_no_interval_and_the_table_says_so(tmp_path):
    write_study(tmp_path, [SimulatedArm()], seeds=(1,))
    result = compare(tmp_path)
    assert result.rows[0].estimates["accuracy"].low is None
    assert any(note.startswith("No interval: one seed only (lora main)") for note in result.notes)


def test_two_seeds_have_a_wide_interval_and_the_table_says_so(tmp_path):
    write_study(tmp_path, [SimulatedArm()], seeds=(1, 2))
    result = compare(tmp_path)
    assert result.rows[0].estimates["accuracy"].low is not None
    assert any(note.startswith("Wide intervals: two seeds") for note in result.notes)


def test_missing_predictions_file_is_said_and_the_trial_not_scored(tmp_path):
    write_study(tmp_path / "one", [SimulatedArm()])
    missing = sorted((tmp_path / "one" / "predictions").glob("*.parquet"))[0]
    missing.unlink()
    result = compare(tmp_path)
    assert result.rows[0].repeats == 2
    said = f"Left out, for predictions that are missing: 1 trial (one/predictions/{missing.name}); "
    again = f"python -m study.run --resume {tmp_path / 'one'} runs it again."
    assert said + again in result.notes


def test_corrupt_predictions_do_not_spoil_the_others(tmp_path):
    write_study(tmp_path / "one", [SimulatedArm()])
    sorted((tmp_path / "one" / "predictions").glob("*.parquet"))[0].write_bytes(b"PAR1")
    assert compare(tmp_path).rows[0].repeats == 2


def test_later_trial_of_the_same_seed_replaces_the_earlier(tmp_path):
    write_study(tmp_path, [SimulatedArm()], seeds=(1, 2, 3))
    row = trial_row(SimulatedArm(), 1, rank=4)
    write_predictions(tmp_path, row["trial"], {"question_id": ["a"], "correct": [True]})
    write_row(tmp_path, {**row, "ended_at": None})
    result = compare(tmp_path)
    assert result.rows[0].repeats == 3
    assert any("a later one has its arm and seed" in note for note in result.notes)


def test_trial_scored_on_other_questions_than_its_arm_is_left_out(tmp_path):
    write_study(tmp_path, [SimulatedArm()], seeds=(1, 2, 3))
    row = trial_row(SimulatedArm(), 4)
    write_predictions(tmp_path, row["trial"], {"question_id": ["a"], "correct": [True]})
    write_row(tmp_path, row)
    result = compare(tmp_path)
    assert (result.rows[0].repeats, result.rows[0].questions) == (3, 60)
    assert any(row["trial"] in note for note in result.notes)


SAME_MODEL = {"source_model_fingerprint": "m1"}


def test_perplexities_of_other_targets_are_marked(tmp_path):
    same = (SimulatedArm(columns=SAME_MODEL), SimulatedArm("qlora", columns=SAME_MODEL))
    write_study(tmp_path / "same", same)
    write_study(tmp_path / "other", [*same, SimulatedArm("full", "socratic", tokens=30, columns=SAME_MODEL)])
    assert not any("Perplexities" in note for note in compare(tmp_path / "same").notes)
    other = compare(tmp_path / "other")
    assert [row.perplexity_scale for row in other.rows] == ["a", "a", "b"]
    assert any("Perplexities" in note for note in other.notes)


def test_studies_with_other_questions_are_told_apart(tmp_path):
    write_study(tmp_path / "apples")
    write_study(tmp_path / "pears", topic="pears")
    result = compare(tmp_path)
    assert [row.question_set for row in result.rows] == ["a", "a", "b", "b"]
    assert [row.name for row in result.rows][2] == "pears: lora main"
    assert any("not compared" in note for note in result.notes)


def test_study_that_still_runs_is_said(tmp_path):
    write_study(tmp_path / "one", seeds=(1, 2), finished=False)
    assert "one is still running, or was stopped before its end." in compare(tmp_path).notes
