"""The plots: their data, and that every mark drawn says its numbers."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from analysis.judgement.verdicts import judge
from analysis.pictures.drawing import to_png, to_svg
from analysis.pictures.figures import DifferenceMatrix, score_by_method, score_by_prompt, score_by_rank
from analysis.pictures.pareto import pareto_charts
from analysis.pictures.search import learning_charts, slice_charts
from analysis.pictures.selection import figures
from tests.analysis.opened import compare
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_predictions, write_row

ARMS = (
    SimulatedArm(accuracy=0.3),
    SimulatedArm("lora", "socratic", accuracy=0.5),
    SimulatedArm("qlora", accuracy=0.2, train_seconds=60),
    SimulatedArm("zero_shot", accuracy=0.02),
)


def test_figure_2_has_a_place_for_each_method_and_a_series_for_each_variant(tmp_path):
    write_study(tmp_path, ARMS)
    result = compare(tmp_path)
    chart = score_by_method(result)
    assert chart.ticks == ["lora", "qlora"]
    assert [series.name for series in chart.series] == ["main", "socratic"]
    main = chart.series[0]
    assert [mark.y for mark in main.marks] == [result.rows[i].estimates["accuracy"] for i in (0, 2)]
    assert chart.levels == [("zero_shot main", result.rows[3].estimates["accuracy"].mean)]


def test_figure_2_shows_the_paper_beside_its_own_profile(tmp_path):
    write_study(tmp_path, ARMS, profile="paper")
    paper = score_by_method(compare(tmp_path)).series[-1]
    assert paper.is_paper
    assert [mark.y.mean for mark in paper.marks] == [25, 23, 26]


def test_figure_3_needs_several_prompt_styles(tmp_path):
    write_study(tmp_path / "one", ARMS)
    assert score_by_prompt(compare(tmp_path / "one")) is None
    python = replace(SimulatedArm(), label="lora python", columns={"prompt_style": "python_code"})
    write_study(tmp_path / "two", [SimulatedArm(), python])
    chart = score_by_prompt(compare(tmp_path / "two"))
    assert chart.ticks == ["plain", "python\ncode"]


def test_score_by_rank_is_drawn_where_ranks_are_compared(tmp_path):
    write_study(tmp_path, ARMS)
    assert score_by_rank(compare(tmp_path)) is None
    result = compare(tmp_path)
    result.rows[0].arm.confirm[0]["rank"] = 2
    assert score_by_rank(result) is None
    for row, rank in zip(result.rows[:2], (16, 4), strict=True):
        row.arm.plan["factors"]["rank"] = rank
        for trial in row.arm.confirm:
            trial["rank"], trial["variant"] = rank, "main"
    chart = score_by_rank(result)
    assert [mark.x for mark in chart.series[0].marks] == [4, 16]


def test_pareto_chart_holds_every_arm_and_the_front(tmp_path):
    write_study(tmp_path, ARMS)
    result = compare(tmp_path)
    chart = pareto_charts(result, judge(result))[0]
    assert [series.name for series in chart.series[:3]] == ["lora main", "lora socratic", "qlora main"]
    assert chart.series[3].is_front
    assert len(chart.series[3].marks) == 1


def test_search_and_learning_figures_come_from_their_rows(tmp_path):
    write_study(tmp_path, ARMS, search_trials=5)
    result = compare(tmp_path)
    assert [chart.name for chart in slice_charts(result)] == ["slice-rank", "slice-learning-rate"]
    assert [chart.name for chart in learning_charts(result)] == ["learning-loss", "learning-validation-loss"]


def test_long_learning_curve_is_thinned_and_keeps_its_end(tmp_path):
    write_study(tmp_path, [SimulatedArm()])
    result = compare(tmp_path)
    assert learning_charts(result)[0].series[0].marks[-1].x == 200


def test_every_mark_and_cell_carries_its_numbers(tmp_path):
    write_study(tmp_path, ARMS, search_trials=3)
    result = compare(tmp_path)
    for figure in figures(result, judge(result)):
        svg, hover = to_svg(figure)
        ids = {element.get("id") for element in ElementTree.fromstring(svg).iter()}
        assert hover
        assert set(hover) <= ids
        assert all(any(sign.isdigit() for sign in text) for text in hover.values())


def test_matrix_has_the_sign_of_row_minus_column(tmp_path):
    write_study(tmp_path, ARMS, questions=200)
    result = compare(tmp_path)
    (verdict,) = judge(result)
    matrix = next(f for f in figures(result, [verdict]) if isinstance(f, DifferenceMatrix))
    assert matrix.arms[0] == "lora socratic"
    assert matrix.cells[0][1].better == "lora socratic"
    svg, _ = to_svg(matrix)
    points = verdict.pair(matrix.arms[0], matrix.arms[1]).estimate.mean
    assert f"+{points:.1f}" in svg


def test_the_same_figure_is_the_same_file(tmp_path):
    write_study(tmp_path, ARMS)
    chart = score_by_method(compare(tmp_path))
    assert to_svg(chart) == to_svg(chart)
    assert to_png(chart)[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_odd_studies_are_drawn(tmp_path, seeds):
    write_study(tmp_path, [SimulatedArm()], seeds=seeds, questions=3)
    row = trial_row(SimulatedArm("full"), 1, trainable_parameters=None, train_seconds=None)
    write_predictions(tmp_path, row["trial"], {"question_id": ["x"], "correct": [False]})
    write_row(tmp_path, row)
    result = compare(tmp_path)
    names = [figure.name for figure in figures(result, judge(result))]
    assert "accuracy-by-method" in names
    for figure in figures(result, judge(result)):
        assert to_svg(figure)[0].startswith("<svg")


def test_label_is_no_markup_in_a_picture(tmp_path):
    named = replace(SimulatedArm(), label="<script>$\\alpha$ & co")
    write_study(tmp_path, [named, SimulatedArm("full")], search_trials=2)
    svg, _ = to_svg(slice_charts(compare(tmp_path))[0])
    assert "<script>" not in svg
    assert "$\\alpha$" in svg


@pytest.mark.slow
def test_command_writes_both_formats(tmp_path):
    write_study(tmp_path / "one", ARMS)
    command = [sys.executable, "-m", "analysis.plots", str(tmp_path / "one"), "-o", str(tmp_path / "plots")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert {"accuracy-by-method.svg", "accuracy-by-method.png", "differences.svg"} <= names
