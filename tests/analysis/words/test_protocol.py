"""How it was done, in the report: replicates or one search, looks, extensions."""

import html
import json

import pytest

from analysis.report import write_report
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study
from tests.analysis.simulated_replicates import age
from tests.analysis.simulated_trials import SimulatedArm

pytestmark = pytest.mark.usefixtures("without_plots")


def report(path):
    return html.unescape(write_report(path).read_text(encoding="utf-8"))


def test_replicates_are_told_as_whole_searches(tmp_path):
    write_replicated(tmp_path)
    page = report(tmp_path)
    assert "a claim is one about the recipe, its search included" in page
    assert "the interval leaves the search out" not in page
    assert "5 x 2 (the search's model scored)" in page
    assert "Arms with equal ranges are proposed the same" in page


def test_one_search_is_told_to_leave_the_search_out(tmp_path):
    write_replicated(tmp_path, replicates=1, confirm_seeds=3)
    page = report(tmp_path)
    assert "a claim is one about the configurations that these searches found" in page
    assert "its search included" not in page
    assert "1 x 2 (trained anew with 3 seeds)" in page


def test_study_of_schema_1_is_told_as_one_search_with_its_seeds(tmp_path):
    write_study(tmp_path, search_trials=4)
    page = report(age(tmp_path))
    assert "the interval leaves the search out" in page
    assert "1 x 4 (trained anew with 3 seeds)" in page
    assert "Arms with equal ranges are proposed the same" not in page


def test_arms_of_other_sizes_are_counted(tmp_path):
    write_replicated(tmp_path, [SimulatedArm(), SimulatedArm("qlora"), SimulatedArm("full")])
    description = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    description["arms"][0]["replicates"] = 12
    (tmp_path / "study.json").write_text(json.dumps(description), encoding="utf-8")
    said = "12 x 2 (the search's model scored): 1 arm; 5 x 2 (the search's model scored): 2 arms"
    assert said in report(tmp_path)


def test_looks_and_what_stopped_at_them_are_told(tmp_path):
    looks = {"replicates": [3, 6, 12], "weights": [0.2, 0.3, 0.5]}
    taken = [
        {"replicates": 3, "settled": False, "stopped": {}},
        {"replicates": 6, "settled": True, "stopped": {"qlora main": "clearly beaten by <lora>"}},
    ]
    write_replicated(tmp_path, description={"looks": looks, "looks_taken": taken})
    page = report(tmp_path)
    assert "after 3, 6, 12 replicates, with 0.2, 0.3, 0.5 of the 5%" in page
    assert "after 3 replicates (all arms went on)" in page
    assert "after 6 replicates (settled, qlora main stopped: clearly beaten by <lora>)" in page
    assert "decided at its share alone" in page


def test_extension_after_a_look_at_the_results_is_told_with_what_it_weakens(tmp_path):
    grown = {"at": "2026-01-02", "replicates": 12, "arms": ["lora main"], "trials_before": 60}
    write_replicated(tmp_path, description={"extensions": [grown]})
    page = report(tmp_path)
    assert "2026-01-02: to 12 replicates of lora main, after 60 trials" in page
    assert "weaker than it reads" in page


def test_study_that_was_neither_looked_at_nor_extended_says_nothing_of_it(tmp_path):
    write_replicated(tmp_path)
    page = report(tmp_path)
    assert "Looks were planned" not in page
    assert "was extended" not in page
