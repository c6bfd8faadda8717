"""What the search cost, and what early stopping saved."""

import pytest

from analysis.arms.grouping import group_arms
from analysis.comparison.comparing import comparison
from analysis.layout.spending import spending_rows
from analysis.reading.folders import open_studies
from analysis.searching.spending import Saving, saving, saving_sentence, spending
from tests.analysis.opened import first_arm
from tests.analysis.searching.searches import PRUNED, write_pruned, write_search
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

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


def test_tables_say_what_early_stopping_saved_and_count_no_failure(tmp_path):
    write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    write_pruned(tmp_path, 2)
    result = comparison(open_studies([tmp_path]))
    assert any(
        note.startswith("Early stopping ended 1 of 3 search trials and saved 150 ") for note in result.notes
    )
    assert result.rows[0].unfinished == {}


def test_every_status_is_counted(tmp_path):
    write_search(tmp_path, [(1e-2, 4, 10.0), (1e-3, 8, 20.0)])
    write_pruned(tmp_path, 2)
    for seed, status in enumerate(("out_of_memory", "diverged", "failed"), start=9):
        write_row(tmp_path, trial_row(SimulatedArm(), seed, status=status))
    spent = spending(first_arm(tmp_path), "lora main")
    assert spent.ends == {"complete": 5, "pruned": 1, "out_of_memory": 1, "diverged": 1, "failed": 1}
    assert spent.search_seconds == pytest.approx(3 * 36)
    assert (spent.saving.trials, spent.saving.steps) == (1, 150)


def test_all_arms_are_summed_where_there_are_several(tmp_path):
    write_study(tmp_path, questions=5, search_trials=2)
    write_pruned(tmp_path, 2)
    (study,) = open_studies([tmp_path])
    rows = spending_rows([spending(arm, arm.label) for arm in group_arms(study)])
    assert [row[0] for row in rows] == ["lora main", "qlora main", "all arms"]
    assert rows[-1][1] == "10 complete, 1 pruned"
    assert [row[-1] for row in rows] == ["1 trial, 150 steps, ~30 s", "–", "1 trial, 150 steps, ~30 s"]
