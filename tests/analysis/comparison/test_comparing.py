"""The comparison table: its figures, what it says about gaps, and its five forms."""

import csv
import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from analysis.comparison.comparing import comparison
from analysis.layout.documents import to_csv, to_html, to_latex, to_markdown
from analysis.layout.terminal import cost_columns, render, score_columns
from analysis.reading.folders import open_studies
from analysis.tables import closing_table
from analysis.units import show_bytes, show_count, show_seconds
from tests.analysis.simulated import (
    SimulatedArm,
    trial_row,
    write_description,
    write_predictions,
    write_row,
    write_study,
)

ZERO_SHOT = SimulatedArm("zero_shot", accuracy=0.02)
FLOOR = SimulatedArm("floor_echo", accuracy=0.0)
STUDY_ARMS = (FLOOR, ZERO_SHOT, SimulatedArm(), SimulatedArm("qlora", accuracy=0.2))


def compare(*paths):
    return comparison(open_studies(paths))


def shown(renderable, width=100):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


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


def test_papers_numbers_stand_beside_its_own_profile_only(tmp_path):
    write_study(tmp_path / "small", [SimulatedArm()])
    write_study(tmp_path / "paper", [SimulatedArm(accuracy=0.05)], profile="paper")
    assert "paper accuracy" not in shown(closing_table(tmp_path / "small"))
    (row,) = compare(tmp_path / "paper").rows
    assert (row.paper.accuracy, row.paper.trainable_parameters) == (25.0, 294_000)
    difference = row.estimates["accuracy"].mean - 25
    assert f"{difference:+.1f}" in shown(closing_table(tmp_path / "paper"))


@pytest.mark.parametrize("width", [60, 100, 200])
def test_terminal_table_fits(tmp_path, width):
    long = replace(SimulatedArm(), label="lora [bold]socratic[/bold] python_code on a model with a long name")
    write_study(tmp_path, [long, *STUDY_ARMS])
    lines = shown(closing_table(tmp_path), width).splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_column_is_left_out_of_a_narrow_terminal(tmp_path, width):
    write_study(tmp_path, STUDY_ARMS)
    text = shown(render(compare(tmp_path)), width)
    result = compare(tmp_path)
    assert all(header in text for header in (*score_columns(result), *cost_columns(result)))
    assert "…" not in text
    assert "295k" in text
    assert "500 MB" in text


def test_all_forms_carry_the_same_figures(tmp_path):
    write_study(tmp_path, STUDY_ARMS)
    result = compare(tmp_path)
    accuracy = result.rows[0].estimates["accuracy"]
    text = f"{accuracy.mean:.1f} ({accuracy.low:.1f}–{accuracy.high:.1f})"
    assert text in shown(render(result))
    assert text in to_markdown(result)
    assert text in to_html(result)
    assert text.replace("–", "--") in to_latex(result)
    first = next(csv.DictReader(io.StringIO(to_csv(result))))
    assert float(first["accuracy"]) == accuracy.mean
    assert float(first["accuracy_low"]) == accuracy.low


def test_labels_can_not_break_out_of_a_form(tmp_path):
    write_study(tmp_path, [replace(SimulatedArm(), label="a|b <script>_&%")])
    result = compare(tmp_path)
    assert "<script>" not in to_html(result)
    assert r"a\|b \<script>\_&%" in to_markdown(result)
    assert r"a|b <script>\_\&\%" in to_latex(result)


def _run(*arguments):
    command = [sys.executable, "-m", "analysis.tables", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")


def test_command_prints_and_writes(tmp_path):
    write_study(tmp_path / "one", STUDY_ARMS)
    assert "lora main" in _run(tmp_path / "one").stdout
    done = _run(tmp_path / "one", "-o", tmp_path / "table.md")
    assert done.returncode == 0
    assert (tmp_path / "table.md").read_text(encoding="utf-8").startswith("| arm | seeds |")


@pytest.mark.parametrize(
    "arguments",
    [["missing"], [], ["{study}", "--format", "pdf"], ["{study}", "-o", "table.doc"], ["{empty}"]],
)
def test_bad_input_is_one_line_and_exit_status_2(tmp_path, arguments):
    write_study(tmp_path / "one", questions=5)
    write_study(tmp_path / "empty", [], questions=5)
    places = {"study": tmp_path / "one", "empty": tmp_path / "empty"}
    done = _run(*(argument.format(**places) for argument in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_units_are_those_people_read():
    assert [show_count(n) for n in (8, 294_912, 999_900, 60_000_000)] == ["8", "295k", "1M", "60M"]
    assert [show_bytes(n) for n in (12, 1_179_648, 12_345_678)] == ["12 B", "1.18 MB", "12.3 MB"]
    assert [show_seconds(s) for s in (0.52, 31.2, 252, 4680)] == ["0.52 s", "31 s", "4.2 min", "1.3 h"]
