"""The search views: expected best of n, importances, slices, learning curves, costs."""

import itertools
import math
import subprocess
import sys

import pytest

from analysis.arms.grouping import group_arms
from analysis.comparison.comparing import comparison
from analysis.layout.spending import spending_rows
from analysis.pictures.search import slice_charts
from analysis.reading.folders import open_studies
from analysis.searching.best_of import expected_best
from analysis.searching.importance import importances
from analysis.searching.learning import learning_curve
from analysis.searching.ranges import varied
from analysis.searching.scores import search_score, search_scores, slices
from analysis.searching.spending import Saving, saving, saving_sentence, spending
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import SimulatedArm, trial_row, write_history, write_row, write_study


def only_arm(path):
    (study,) = open_studies([path])
    (arm,) = group_arms(study)
    return arm


def test_expected_best_is_the_mean_over_every_choice_of_n_trials():
    scores = [10.0, 40.0, 20.0, 20.0, 0.0]
    for best in expected_best(scores):
        choices = list(itertools.combinations(scores, best.trials))
        assert best.expected == pytest.approx(sum(map(max, choices)) / len(choices))


def test_best_of_more_than_half_of_the_trials_is_not_estimated():
    assert [best.trials for best in expected_best([3.0, 9.0, 5.0, 1.0, 4.0])] == [1, 2]
    assert all(best.low < best.high for best in expected_best([3.0, 9.0, 5.0, 1.0]))


def test_range_holds_95_percent_of_the_draws():
    first = expected_best([float(score) for score in range(100)])[0]
    assert (first.low, first.high) == (2.0, 97.0)


def test_search_trial_that_failed_scores_0_and_one_stopped_early_has_no_score():
    assert search_score({"status": "diverged", "accuracy": None}) == 0.0
    assert search_score({"status": "pruned", "accuracy": None}) is None
    assert search_score({"status": "complete", "accuracy": 12.5}) == 12.5


def _write_search(path, scores):
    write_study(path, [SimulatedArm()], questions=5)
    for number, (rate, rank, score) in enumerate(scores):
        columns = {"stage": "search", "search_number": number, "learning_rate": rate, "rank": rank}
        write_row(path, trial_row(SimulatedArm(), 100 + number, **columns, accuracy=score))


def test_importance_is_that_of_the_hyperparameter_that_decides(tmp_path):
    grid = itertools.product([1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1], [4, 8])
    _write_search(tmp_path, [(rate, rank, 50 + 10 * math.log10(rate)) for rate, rank in grid])
    arm = only_arm(tmp_path)
    assert varied(arm.search) == ["rank", "learning_rate"]
    found = importances([arm])
    assert found["learning_rate"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)


def test_what_separates_the_arms_of_a_method_explains_nothing(tmp_path):
    for variant, level in (("main", 10), ("socratic", 80)):
        arm = SimulatedArm("lora", variant)
        write_study(tmp_path, [arm], questions=5)
        for number, (rate, rank) in enumerate(itertools.product([1e-4, 1e-3, 1e-2, 1e-1], [4, 8])):
            columns = {"stage": "search", "learning_rate": rate, "rank": rank, "accuracy": level + rank}
            write_row(tmp_path, trial_row(arm, 100 + number, **columns))
    (study,) = open_studies([tmp_path])
    found = importances(group_arms(study))
    assert found["rank"] > 0.95


def test_importances_of_a_few_trials_are_not_given(tmp_path):
    _write_search(tmp_path, [(1e-3, 4, 10.0), (1e-2, 8, 20.0)])
    assert importances([only_arm(tmp_path)]) is None


def test_slice_is_sorted_by_value(tmp_path):
    _write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    assert slices(only_arm(tmp_path), "learning_rate") == [(1e-3, 20.0), (1e-2, 10.0)]


def test_learning_curve_is_the_mean_over_the_seeds(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5)
    arm = only_arm(tmp_path)
    curve = learning_curve(arm)
    assert curve.steps == list(range(20, 201, 20))
    assert curve.repeats == 3
    first = [open_history(arm, row)[0] for row in arm.confirm]
    assert curve.losses[0].mean == pytest.approx(sum(first) / 3)
    assert learning_curve(arm, "validation_loss").steps == [100, 200]


def test_learning_curve_of_scored_models_is_that_of_their_trainings(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=3)
    curve = learning_curve(only_arm(tmp_path))
    assert (curve.steps, curve.repeats) == ([10, 20], 3)


def test_second_phase_goes_on_where_the_first_ended(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5, seeds=(1,))
    arm = only_arm(tmp_path)
    trial = arm.confirm[0]["trial"]
    points = [(1, 10, 2.0), (1, 20, 1.5), (2, 10, 1.2), (2, 20, 1.0)]
    write_history(
        tmp_path,
        trial,
        [{"trial": trial, "phase": p, "step": step, "loss": loss} for p, step, loss in points],
    )
    curve = learning_curve(arm)
    assert curve.steps == [10, 20, 30, 40]
    assert [loss.mean for loss in curve.losses] == [2.0, 1.5, 1.2, 1.0]


def open_history(arm, row):
    return arm.study.read("history", row["trial"], ["loss"])["loss"].to_pylist()


def test_arm_without_history_has_no_curve(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5)
    for path in (tmp_path / "history").glob("*"):
        path.unlink()
    arm = only_arm(tmp_path)
    assert learning_curve(arm) is None
    assert arm.study.exclusions == []


PRUNED = {"status": "pruned", "train_steps": 50, "planned_steps": 200, "train_seconds": 10.0}
COMPLETE = {"status": "complete", "train_steps": 200, "planned_steps": 200, "train_seconds": 40.0}


def test_early_stopping_saves_the_steps_not_taken():
    saved = saving([PRUNED, COMPLETE, PRUNED, {**PRUNED, "status": "diverged"}])
    assert saved == Saving(trials=2, searched=4, steps=300, planned=800, seconds=60.0)
    expected = (
        "Early stopping ended 2 of 4 search trials and saved 300 of 800 optimizer steps (38%), "
        "about 1 min of training."
    )
    assert saving_sentence(saved) == expected
    assert saving_sentence(saving([COMPLETE])) is None


def test_steps_saved_are_unknown_where_a_folder_has_no_planned_steps():
    saved = saving([{key: value for key, value in PRUNED.items() if key != "planned_steps"}])
    assert saving_sentence(saved) == (
        "Early stopping ended 1 of 1 search trials; how many steps that saved is not known."
    )


def _write_pruned(path, number, learning_rate=1e-1):
    columns = {"stage": "search", "search_number": number, "learning_rate": learning_rate, **PRUNED}
    write_row(path, trial_row(SimulatedArm(), 200 + number, **columns, accuracy=None))


def test_trial_stopped_early_counts_as_the_lowest_complete_one(tmp_path):
    _write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    _write_pruned(tmp_path, 2)
    columns = {"stage": "search", "search_number": 3, "status": "diverged", "accuracy": None}
    write_row(tmp_path, trial_row(SimulatedArm(), 300, **columns))
    arm = only_arm(tmp_path)
    assert sorted(search_scores(arm.search)) == [0.0, 10.0, 10.0, 20.0]
    assert (1e-1, 0.0) not in slices(arm, "learning_rate")
    assert len(slices(arm, "learning_rate")) == 3


def test_slice_says_how_many_trials_it_does_not_show(tmp_path):
    _write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    _write_pruned(tmp_path, 2)
    titles = [chart.title for chart in slice_charts(comparison(open_studies([tmp_path])))]
    assert "Search trials by learning rate (1 stopped early, not shown)" in titles


def test_tables_say_what_early_stopping_saved_and_count_no_failure(tmp_path):
    _write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    _write_pruned(tmp_path, 2)
    result = comparison(open_studies([tmp_path]))
    assert any(
        note.startswith("Early stopping ended 1 of 3 search trials and saved 150 ") for note in result.notes
    )
    assert result.rows[0].unfinished == {}


def test_every_status_is_counted(tmp_path):
    _write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    _write_pruned(tmp_path, 2)
    for seed, status in enumerate(("out_of_memory", "diverged", "failed"), start=9):
        write_row(tmp_path, trial_row(SimulatedArm(), seed, status=status))
    spent = spending(only_arm(tmp_path), "lora main")
    assert spent.ends == {"complete": 5, "pruned": 1, "out_of_memory": 1, "diverged": 1, "failed": 1}
    assert spent.search_seconds == pytest.approx(3 * 36)
    assert (spent.saving.trials, spent.saving.steps) == (1, 150)


def test_all_arms_are_summed_where_there_are_several(tmp_path):
    write_study(tmp_path, questions=5, search_trials=2)
    _write_pruned(tmp_path, 2)
    (study,) = open_studies([tmp_path])
    rows = spending_rows([spending(arm, arm.label) for arm in group_arms(study)])
    assert [row[0] for row in rows] == ["lora main", "qlora main", "all arms"]
    assert rows[-1][1] == "10 complete, 1 pruned"
    assert [row[-1] for row in rows] == ["1 trial, 150 steps, ~30 s", "–", "1 trial, 150 steps, ~30 s"]


def test_command_prints_the_search(tmp_path):
    write_study(tmp_path, questions=20, search_trials=4)
    command = [sys.executable, "-m", "analysis.searches", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "what the searches chose" in done.stdout
    assert "cost by arm" in done.stdout


def test_study_without_a_search_is_one_line(tmp_path):
    write_study(tmp_path, questions=5)
    command = [sys.executable, "-m", "analysis.searches", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: no search trial")
