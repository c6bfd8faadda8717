"""Costs: those of the training, in processor seconds, under equal conditions only; the Pareto front."""

import subprocess
import sys
from dataclasses import replace

import pytest

from analysis.arms.costs import training_times
from analysis.comparison.comparing import comparison
from analysis.errors import AnalysisError
from analysis.judgement.budgets import pareto_front, within_budget
from analysis.judgement.verdicts import judge
from analysis.pictures.figures import pareto_charts, time_conflict
from analysis.reading.folders import open_studies
from analysis.report import write_report
from analysis.tables import closing_table
from tests.analysis.comparison.test_comparing import shown
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import SimulatedArm, trial_row, write_row, write_study

GOOD = SimulatedArm(accuracy=0.7, train_seconds=300)
POOR = SimulatedArm("full", accuracy=0.1, train_seconds=50, trainable_parameters=60_000_000)


def compare(path):
    return comparison(open_studies([path]))


def run_verdict(*arguments):
    command = [sys.executable, "-m", "analysis.verdict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")


def test_costs_are_those_of_the_training_and_not_of_the_scoring(tmp_path):
    write_replicated(tmp_path, [GOOD])
    (row,) = compare(tmp_path).rows
    assert row.costs["train_compute_seconds"].values == (300.0,) * 5
    assert row.costs["peak_memory_bytes"].median == 500_000_000
    assert row.costs["evaluation_seconds"].median == 5.0


def test_size_is_one_that_a_model_has_and_not_between_two_ranks(tmp_path):
    write_study(tmp_path, [], questions=5)
    for seed, parameters in enumerate((100, 100, 400, 400)):
        row = trial_row(SimulatedArm(), seed, replicate=seed, trainable_parameters=parameters)
        write_row(tmp_path, {**row, "train_seconds": float(seed)})
    (row,) = compare(tmp_path).rows
    assert row.costs["trainable_parameters"].median == 100
    assert row.costs["train_seconds"].median == 1.5


def test_memory_of_a_training_whose_row_is_gone_is_unknown(tmp_path):
    write_replicated(tmp_path, [GOOD])
    for trial in compare(tmp_path).rows[0].arm.search:
        (tmp_path / "trials" / f"{trial['trial']}.parquet").unlink()
    (row,) = compare(tmp_path).rows
    assert "peak_memory_bytes" not in row.costs
    assert "train_compute_seconds" not in row.costs
    assert row.costs["trainable_parameters"].median == 294_912


def _write_slowed(path, **columns):
    """Three seeds of one configuration, two of them beside other work."""
    write_study(path, [], questions=5)
    for seed, wall in ((1, 13.0), (2, 33.0), (3, 246.0)):
        times = {"train_seconds": wall, "train_compute_seconds": 12.5 + seed / 10}
        write_row(path, trial_row(SimulatedArm(), seed, **{**times, **columns}))


def test_processor_time_stands_first_and_wall_time_beside_it_with_its_range(tmp_path):
    _write_slowed(tmp_path)
    text = shown(closing_table(tmp_path), 140)
    assert "33 s (13 s–4.1 min)" in text
    assert "13 s" in text
    assert "±" not in text
    assert "train: processor seconds" in text.replace("\n", " ")


def test_wall_time_stands_alone_where_no_processor_time_is_on_record_and_is_called_so(tmp_path):
    _write_slowed(tmp_path, train_compute_seconds=None)
    text = shown(closing_table(tmp_path), 140)
    assert "train (wall)" in text
    assert "processor seconds" not in text


def test_budget_of_time_goes_by_processor_seconds(tmp_path):
    _write_slowed(tmp_path)
    (row,) = compare(tmp_path).rows
    assert within_budget(row, {"train_seconds": 15.0})
    assert not within_budget(row, {"train_seconds": 12.0})


def test_budget_of_time_goes_by_wall_time_in_old_rows(tmp_path):
    _write_slowed(tmp_path, train_compute_seconds=None)
    (row,) = compare(tmp_path).rows
    assert not within_budget(row, {"train_seconds": 60.0})
    assert within_budget(row, {"train_seconds": 250.0})


def test_cost_that_one_repeat_lacks_keeps_to_no_budget(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5, seeds=(1, 2))
    write_row(tmp_path, trial_row(SimulatedArm(), 3, peak_memory_bytes=None))
    (row,) = compare(tmp_path).rows
    assert not within_budget(row, {"peak_memory_bytes": 1e12})


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("source_machine", "another", "machine: another or simulated, 2 cores"),
        ("source_device", "cuda", "device: cpu or cuda"),
        ("source_threads", 4, "threads: 1 or 4"),
        ("source_gpu_share", 0.5, "share of a GPU: 0.5 or unknown"),
        ("source_slots", None, "trials at a time: 2 or unknown"),
    ],
)
def test_times_under_other_conditions_are_not_compared(tmp_path, column, value, said):
    other = replace(POOR, columns={column: value})
    write_replicated(tmp_path, [GOOD, other], replicates=2)
    conflict = training_times([row.arm for row in compare(tmp_path).rows]).conflict
    assert conflict == f"Training times can't be compared: the trials trained differently ({said})."


def test_conditions_that_are_unknown_of_all_do_not_differ(tmp_path):
    write_study(tmp_path, [GOOD, POOR], questions=5)
    assert training_times([row.arm for row in compare(tmp_path).rows]).conflict is None


def test_command_refuses_a_budget_of_time_over_different_machines_in_one_line(tmp_path):
    write_replicated(tmp_path, [GOOD, replace(POOR, columns={"source_slots": 8})])
    done = run_verdict(tmp_path, "--max-train-seconds", "60")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: --max-train-seconds: Training times can't be compared")
    assert "trials at a time: 2 or 8" in done.stderr
    assert run_verdict(tmp_path, "--max-memory", "1GB").returncode == 0


def test_report_leaves_the_front_over_time_out_and_says_why(tmp_path):
    write_replicated(tmp_path, [GOOD, replace(POOR, columns={"source_slots": 8})])
    result = compare(tmp_path)
    names = [chart.name for chart in pareto_charts(result, judge(result))]
    assert names == ["pareto-peak-memory-bytes", "pareto-trainable-parameters"]
    assert "trials at a time: 2 or 8" in time_conflict(result)
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "trials at a time: 2 or 8" in page
    assert "Accuracy against training" not in page


def test_front_over_time_is_drawn_under_equal_conditions(tmp_path):
    write_replicated(tmp_path, [GOOD, POOR])
    result = compare(tmp_path)
    assert pareto_charts(result, judge(result))[0].name == "pareto-training-time"
    assert pareto_charts(result, judge(result))[0].x_label == "training, processor time"
    assert time_conflict(result) is None


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
