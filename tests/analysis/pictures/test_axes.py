"""Figures of the search: the best of n random trials, log axes. Perplexities on one scale."""

import re
from dataclasses import replace

import pytest

from analysis.arms.grouping import group_arms
from analysis.comparison.comparing import _letter, comparison
from analysis.judgement.verdicts import judge
from analysis.pictures.drawing import to_svg
from analysis.pictures.figures import Chart, Mark, Series
from analysis.pictures.search import expected_best_chart, slice_charts
from analysis.pictures.selection import figures, not_drawn
from analysis.reading.folders import open_studies
from analysis.searching.best_of import best_of_random, random_trials, too_few_sentence
from analysis.searching.ranges import is_logarithmic
from analysis.statistics.intervals import Estimate
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import SimulatedArm, trial_row, write_row, write_study
from tests.analysis.simulated_replicates import age


def compare(path):
    return comparison(open_studies([path]))


def only_arm(path):
    (study,) = open_studies([path])
    return group_arms(study)[0]


def test_best_of_n_is_over_random_trials_of_all_replicates_up_to_half_of_them(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=4, trials=4)
    arm = only_arm(tmp_path)
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
    assert sorted(row["search_number"] for row in random_trials(only_arm(tmp_path))) == [1, 3]


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
    arm = only_arm(age(tmp_path))
    assert sorted(row["search_number"] for row in random_trials(arm)) == [1, 2]
    assert "old rows don't say which were" in too_few_sentence([arm], ["lora main"])


@pytest.mark.parametrize(
    "distribution",
    [
        {"name": "FloatDistribution", "attributes": {"log": True, "low": 0.002, "high": 0.006}},
        "FloatDistribution(high=0.006, log=True, low=0.002, step=None)",
    ],
)
def test_axis_is_logarithmic_where_the_search_was(tmp_path, distribution):
    write_replicated(tmp_path, [SimulatedArm()], replicates=1)
    arm = only_arm(tmp_path)
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


LORA, QLORA = SimulatedArm(), SimulatedArm("qlora")


def scales(path, arms, **columns):
    write_replicated(path, arms, replicates=2, columns=columns)
    return [row.perplexity_scale for row in compare(path).rows]


def test_perplexities_of_one_tokenizer_and_the_same_targets_share_a_letter(tmp_path):
    # The models differ, as T5-small and T5-base do; their tokenizer does not.
    arms = [LORA, replace(QLORA, columns={"source_model_fingerprint": "m2"})]
    assert scales(tmp_path, arms) == ["a", "a"]


def test_another_tokenizer_with_equally_many_tokens_has_another_letter(tmp_path):
    arms = [LORA, replace(QLORA, columns={"source_tokenizer_fingerprint": "t2"})]
    assert scales(tmp_path, arms) == ["a", "b"]


def test_other_targets_with_equally_many_tokens_have_another_letter(tmp_path):
    assert scales(tmp_path, [LORA, replace(QLORA, variant="socratic")]) == ["a", "b"]


def test_targets_that_were_cut_elsewhere_have_another_letter(tmp_path):
    assert scales(tmp_path, [LORA, replace(QLORA, tokens=19)]) == ["a", "b"]


def test_old_rows_without_a_tokenizer_go_by_their_model(tmp_path):
    other = replace(QLORA, columns={"source_model_fingerprint": "m2"})
    unknown = {"source_tokenizer_fingerprint": None}
    assert scales(tmp_path / "same", [LORA, QLORA], **unknown) == ["a", "a"]
    arms = [replace(LORA, columns=unknown), replace(other, columns={**other.columns, **unknown})]
    assert scales(tmp_path / "other", arms) == ["a", "b"]


def test_rows_of_which_neither_is_known_are_compared_with_nothing(tmp_path):
    unknown = {"source_tokenizer_fingerprint": None, "source_model_fingerprint": None}
    assert scales(tmp_path, [LORA, QLORA], **unknown) == ["a", "b"]


def test_letters_do_not_repeat():
    letters = [_letter(index) for index in range(1000)]
    assert len(set(letters)) == 1000
    assert (letters[0], letters[25], letters[26]) == ("a", "z", "aa")
