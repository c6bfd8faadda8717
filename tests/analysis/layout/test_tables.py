"""The comparison as a table, in its five forms."""

import csv
import io
from dataclasses import replace

import pytest

from analysis.layout.documents import to_csv, to_html, to_latex, to_markdown
from analysis.layout.terminal import cost_columns, render, score_columns
from analysis.tables import closing_table
from tests.analysis.opened import compare, shown
from tests.analysis.simulated import STUDY_ARMS, write_study
from tests.analysis.simulated_trials import SimulatedArm


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
