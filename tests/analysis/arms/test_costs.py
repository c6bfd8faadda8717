"""Costs: those of the training, in processor seconds, under equal conditions only."""

from dataclasses import replace

import pytest

from analysis.arms.costs import training_times
from analysis.judgement.verdicts import judge
from analysis.pictures.pareto import pareto_charts, time_conflict
from analysis.report import write_report
from analysis.tables import closing_table
from tests.analysis.opened import compare, shown
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_slowed, write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

GOOD = SimulatedArm(accuracy=0.7, train_seconds=300)
POOR = SimulatedArm("full", accuracy=0.1, train_seconds=50, trainable_parameters=60_000_000)


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


def test_processor_time_stands_first_and_wall_time_beside_it_with_its_range(tmp_path):
    write_slowed(tmp_path)
    text = shown(closing_table(tmp_path), 140)
    assert "33 s (13 s–4.1 min)" in text
    assert "13 s" in text
    assert "±" not in text
    assert "train: processor seconds" in text.replace("\n", " ")


def test_wall_time_stands_alone_where_no_processor_time_is_on_record_and_is_called_so(tmp_path):
    write_slowed(tmp_path, train_compute_seconds=None)
    text = shown(closing_table(tmp_path), 140)
    assert "train (wall)" in text
    assert "processor seconds" not in text


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


@pytest.mark.usefixtures("without_plots")
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
