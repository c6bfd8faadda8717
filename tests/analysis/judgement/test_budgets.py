"""Budgets and the Pareto front: which arms keep to a limit, and which are worth their price."""

from dataclasses import replace

import pytest

from analysis.errors import AnalysisError
from analysis.judgement.budgets import pareto_front, parse_amount, parse_seconds, within_budget
from analysis.judgement.verdicts import judge
from analysis.pictures.pareto import pareto_charts
from tests.analysis.opened import compare, run_command
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_slowed, write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

GOOD = SimulatedArm(accuracy=0.7, train_seconds=300)
POOR = SimulatedArm("full", accuracy=0.1, train_seconds=50, trainable_parameters=60_000_000)


def test_budget_of_time_goes_by_processor_seconds(tmp_path):
    write_slowed(tmp_path)
    (row,) = compare(tmp_path).rows
    assert within_budget(row, {"train_seconds": 15.0})
    assert not within_budget(row, {"train_seconds": 12.0})


def test_budget_of_time_goes_by_wall_time_in_old_rows(tmp_path):
    write_slowed(tmp_path, train_compute_seconds=None)
    (row,) = compare(tmp_path).rows
    assert not within_budget(row, {"train_seconds": 60.0})
    assert within_budget(row, {"train_seconds": 250.0})


def test_cost_that_one_repeat_lacks_keeps_to_no_budget(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5, seeds=(1, 2))
    write_row(tmp_path, trial_row(SimulatedArm(), 3, peak_memory_bytes=None))
    (row,) = compare(tmp_path).rows
    assert not within_budget(row, {"peak_memory_bytes": 1e12})


def test_command_refuses_a_budget_of_time_over_different_machines_in_one_line(tmp_path):
    write_replicated(tmp_path, [GOOD, replace(POOR, columns={"source_slots": 8})])
    done = run_command("verdict", tmp_path, "--max-train-seconds", "60")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: --max-train-seconds: Training times can't be compared")
    assert "trials at a time: 2 or 8" in done.stderr
    assert run_command("verdict", tmp_path, "--max-memory", "1GB").returncode == 0


def test_arm_leaves_the_front_only_for_one_that_is_clearly_better_and_no_dearer(tmp_path):
    dear = SimulatedArm("lora", "socratic", accuracy=0.6, train_seconds=400)
    write_study(tmp_path, [GOOD, dear, POOR, SimulatedArm("floor_echo", accuracy=0.0)], questions=100)
    rows = compare(tmp_path).rows

    def front(*clear):
        found = pareto_front(rows, "train_seconds", lambda first, second: (first, second) in clear)
        return [row.name for row in found]

    # Lower in its mean and dearer, but not clearly worse: it stays.
    assert front() == ["full main", "lora main", "lora socratic"]
    assert front(("lora main", "lora socratic")) == ["full main", "lora main"]
    # Clearly better and dearer takes nobody off.
    assert front(("lora main", "full main")) == ["full main", "lora main", "lora socratic"]


def test_front_is_the_verdicts(tmp_path):
    write_replicated(tmp_path, [GOOD, replace(POOR, train_seconds=900)])
    result = compare(tmp_path)
    with_front = pareto_charts(result, judge(result))[0]
    assert [len(series.marks) for series in with_front.series if series.is_front] == [1]
    without = pareto_charts(result, [])[0]
    assert [len(series.marks) for series in without.series if series.is_front] == [2]
    assert "can't be told apart from better arms at their price" in with_front.title


def test_refusal_is_an_error_of_the_analysis(tmp_path):
    write_replicated(tmp_path, [GOOD, replace(POOR, columns={"source_slots": 8})])
    with pytest.raises(AnalysisError, match="trials at a time"):
        within_budget(compare(tmp_path).rows[0], {"train_seconds": 60.0})


def test_limits_are_read_with_their_units():
    assert [parse_amount(t) for t in ("300k", "2GB", "1.5 M", "17")] == [300_000, 2e9, 1.5e6, 17]
    assert [parse_seconds(t) for t in ("90", "15min", "2h", "1e3")] == [90, 900, 7200, 1000]
    with pytest.raises(AnalysisError, match="is no limit"):
        parse_amount("many")
