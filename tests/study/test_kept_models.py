"""Which models of a study are kept, and when they go."""

import random
from pathlib import Path
from typing import Any

import pytest

from study.kept_models import KeptModels
from study.plan import Plan, Request, make_plan
from study.results import ResultsFolder
from study.search import Assignment, StudySearch

# Validation scores of lora's search trials, by (replicate, number).
SCORES = {(0, 0): 10.0, (0, 1): 30.0, (1, 0): 40.0, (1, 1): 20.0, (2, 0): 40.0, (2, 1): 40.0}


def plan_of(seeds: int) -> Plan:
    settings = {"variant": "main", "method": "lora"}
    return make_plan(Request("lora_vs_qlora", replicates=3, trials=2, confirm_seeds=seeds, settings=settings))


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    made = ResultsFolder(tmp_path)
    made.create()
    return made


def row_of(assignment: Assignment, status: str = "complete") -> dict[str, Any]:
    score = SCORES.get((assignment.replicate, assignment.number or 0), 0.0)
    return {
        "trial": assignment.config.trial_id,
        "method": assignment.config.method,
        "status": status,
        "search_score": score if assignment.number is not None else None,
        "config_json": assignment.config.model_dump_json(),
        **assignment.columns,
    }


def run(folder: ResultsFolder, plan: Plan, order: random.Random, fail: str = "") -> dict[str, dict[str, Any]]:
    """Run a study that writes a model where a trial is to keep its own; return its rows."""
    kept = KeptModels(folder)
    search = StudySearch(plan, 1, {})
    running: list[Assignment] = []
    rows = {}
    while True:
        while len(running) < 3 and (assignment := search.next()) is not None:
            running.append(assignment)
            kept.started(assignment)
            if assignment.keeps_its_model:
                model = folder.candidates_path / assignment.config.trial_id
                model.mkdir(parents=True)
                (model / "weights").write_text(assignment.config.trial_id)
        if not running:
            return rows
        ended = running.pop(order.randrange(len(running)))
        name = f"{ended.replicate} {ended.config.stage}"
        row = rows[ended.config.trial_id] = row_of(ended, "failed" if name == fail else "complete")
        kept.finished(ended, row)
        search.finish(ended.config.trial_id, row)


def trial_of(rows: dict[str, dict[str, Any]], replicate: int, number: int) -> str:
    (found,) = (
        t for t, row in rows.items() if (row["replicate"], row["search_number"]) == (replicate, number)
    )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_arms_model_is_the_best_by_validation_of_all_replicates(folder: ResultsFolder, seed: int) -> None:
    rows = run(folder, plan_of(0), random.Random(seed))
    # 40 thrice: the earlier replicate's.
    assert (folder.model_path("lora") / "weights").read_text() == trial_of(rows, 1, 0)
    assert folder.candidates() == []


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_could_not_be_scored_is_not_kept(folder: ResultsFolder, seed: int) -> None:
    rows = run(folder, plan_of(0), random.Random(seed), fail="1 confirm")
    assert (folder.model_path("lora") / "weights").read_text() == trial_of(rows, 2, 0)
    assert folder.candidates() == []


def test_of_trainings_anew_the_first_of_the_best_search_is_kept(folder: ResultsFolder) -> None:
    rows = run(folder, plan_of(2), random.Random(0))
    confirmed = [t for t, row in rows.items() if row["replicate"] == 1 and row["search_number"] is None]
    assert (folder.model_path("lora") / "weights").read_text() in confirmed
    assert len(confirmed) == 2
    assert folder.candidates() == []


def test_no_more_models_wait_than_the_disk_plan_counts(folder: ResultsFolder) -> None:
    kept, search = KeptModels(folder), StudySearch(plan_of(0), 1, {})
    most = 0
    while (assignment := search.next()) is not None:
        kept.started(assignment)
        if assignment.keeps_its_model:
            (folder.candidates_path / assignment.config.trial_id).mkdir(parents=True)
        most = max(most, len(folder.candidates()))
        row = row_of(assignment)
        kept.finished(assignment, row)
        search.finish(assignment.config.trial_id, row)
    assert most == 2  # the best so far, and the one that is being compared with it


@pytest.mark.parametrize("ended", range(1, 14))
def test_a_resumed_study_ends_with_the_same_models(folder: ResultsFolder, ended: int) -> None:
    """What a killed driver had not done yet is made up for, what it had done is not undone."""
    plan = plan_of(0)
    whole = list(run(folder, plan, random.Random(0)).items())
    expected = (folder.model_path("lora") / "weights").read_text()
    killed = ResultsFolder(folder.root / "killed")
    killed.create()
    known = dict(whole[:ended])
    for trial, row in known.items():  # the driver died before it had looked at the last rows
        if row["search_number"] is not None:
            (killed.candidates_path / trial).mkdir(parents=True)
            (killed.candidates_path / trial / "weights").write_text(trial)
    kept = KeptModels(killed)
    search = StudySearch(plan, 1, known, on_reuse=kept.finished)
    while (assignment := search.next()) is not None:
        kept.started(assignment)
        if assignment.keeps_its_model:
            model = killed.candidates_path / assignment.config.trial_id
            model.mkdir(parents=True)
            (model / "weights").write_text(assignment.config.trial_id)
        row = row_of(assignment)
        kept.finished(assignment, row)
        search.finish(assignment.config.trial_id, row)
    assert (killed.model_path("lora") / "weights").read_text() == expected
    assert killed.candidates() == []
