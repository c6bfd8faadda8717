"""The scores of search trials, and the expected best of n of them."""

import itertools

import pytest

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.pictures.search import expected_best_chart, slice_charts
from analysis.pictures.selection import figures, not_drawn
from analysis.reading.folders import open_studies
from analysis.searching.best_of import best_of_random, expected_best, random_trials, too_few_sentence
from analysis.searching.scores import search_score, search_scores, slices
from tests.analysis.opened import compare, first_arm
from tests.analysis.replicated import write_replicated
from tests.analysis.searching.searches import write_pruned, write_search
from tests.analysis.simulated import write_study
from tests.analysis.simulated_replicates import age
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row


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


def test_slice_is_sorted_by_value(tmp_path):
    write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    assert slices(first_arm(tmp_path), "learning_rate") == [(1e-3, 20.0), (1e-2, 10.0)]


def test_trial_stopped_early_counts_as_the_lowest_complete_one(tmp_path):
    write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    write_pruned(tmp_path, 2)
    columns = {"stage": "search", "search_number": 3, "status": "diverged", "accuracy": None}
    write_row(tmp_path, trial_row(SimulatedArm(), 300, **columns))
    arm = first_arm(tmp_path)
    assert sorted(search_scores(arm.search)) == [0.0, 10.0, 10.0, 20.0]
    assert (1e-1, 0.0) not in slices(arm, "learning_rate")
    assert len(slices(arm, "learning_rate")) == 3


def test_slice_says_how_many_trials_it_does_not_show(tmp_path):
    write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    write_pruned(tmp_path, 2)
    titles = [chart.title for chart in slice_charts(comparison(open_studies([tmp_path])))]
    assert "Search trials by learning rate (1 stopped early, not shown)" in titles


def test_best_of_n_is_over_random_trials_of_all_replicates_up_to_half_of_them(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=4, trials=4)
    arm = first_arm(tmp_path)
    assert len(arm.search) == 16
    assert {row["search_origin"] for row in random_trials(arm)} == {"random"}
    assert [best.trials for best in best_of_random(arm)] == [1, 2, 3, 4, 5, 6]
    (series,) = expected_best_chart(compare(tmp_path)).series
    assert len(series.marks) == 6
    assert "up to half of them" in expected_best_chart(compare(tmp_path)).title


def test_guess_and_tpe_are_no_random_trials(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5)
    for number, origin in enumerate(["guess", "random", "tpe", "random"]):
        columns = {"stage": "search", "search_number": number, "search_origin": origin}
        write_row(tmp_path, trial_row(SimulatedArm(), 50 + number, **columns))
    assert sorted(row["search_number"] for row in random_trials(first_arm(tmp_path))) == [1, 3]


def test_too_few_random_trials_have_no_figure_and_that_is_said(tmp_path):
    write_replicated(tmp_path, replicates=3)
    result = compare(tmp_path)
    assert expected_best_chart(result) is None
    assert not_drawn(result) == [
        "No expected best of n for any arm: it takes 4 search trials that were proposed at random."
    ]
    assert "expected-best" not in [figure.name for figure in figures(result, judge(result))]


def test_old_rows_give_their_second_and_third_trial(tmp_path):
    write_study(tmp_path, [SimulatedArm()], questions=5, search_trials=8)
    arm = first_arm(age(tmp_path))
    assert sorted(row["search_number"] for row in random_trials(arm)) == [1, 2]
    assert "old rows don't say which were" in too_few_sentence([arm], ["lora main"])
