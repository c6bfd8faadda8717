"""Axes of the figures of the search: logarithmic where the search was, with ticks that can be read."""

import re

import pytest

from analysis.pictures.drawing import to_svg
from analysis.pictures.figures import Chart, Mark, Series
from analysis.pictures.search import slice_charts
from analysis.searching.ranges import is_logarithmic
from analysis.statistics.intervals import Estimate
from tests.analysis.opened import compare, first_arm
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated_trials import SimulatedArm


@pytest.mark.parametrize(
    "distribution",
    [
        {"name": "FloatDistribution", "attributes": {"log": True, "low": 0.002, "high": 0.006}},
        "FloatDistribution(high=0.006, log=True, low=0.002, step=None)",
    ],
)
def test_axis_is_logarithmic_where_the_search_was(tmp_path, distribution):
    write_replicated(tmp_path, [SimulatedArm()], replicates=1)
    arm = first_arm(tmp_path)
    narrow = [0.002, 0.004, 0.006]
    arm.plan["ranges"] = {"learning_rate": distribution}
    assert is_logarithmic("learning_rate", narrow, [arm])
    arm.plan["ranges"] = {"learning_rate": str(distribution).replace("True", "False")}
    assert not is_logarithmic("learning_rate", narrow, [arm])


def test_axis_of_powers_of_two_and_of_a_wide_range_is_logarithmic():
    assert is_logarithmic("rank", [2, 4, 8], [])
    assert not is_logarithmic("rank", [2, 4, 6], [])
    assert is_logarithmic("batch_size", [3, 5, 24], [])
    assert not is_logarithmic("lora_dropout", [0.0, 0.1], [])


def test_slices_of_a_study_have_the_axes_of_its_search(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=4)
    assert {chart.name: chart.log_x for chart in slice_charts(compare(tmp_path))} == {
        "slice-rank": True,
        "slice-learning-rate": True,
    }


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([2.0, 8.0, 32.0], ["2", "8", "32"]),
        ([0.00169258, 0.00224848, 0.0124643], ["0.002", "0.005", "0.01"]),
        ([0.0052, 0.0061], ["0.0054", "0.006"]),
        ([0.00001, 0.1], ["0.0001", "0.01"]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_several_and_short(tmp_path, values, ticks):
    marks = [Mark(value, Estimate(10.0), "") for value in values]
    chart = Chart("c", "t", "x", "accuracy %", [Series("a", marks)], log_x=True, show_x="{:g}".format)
    svg, _ = to_svg(chart)
    shown = re.findall(r">([\d.e-]+)</text>", svg)
    assert set(ticks) <= set(shown)
    assert max(map(len, shown)) <= 6
