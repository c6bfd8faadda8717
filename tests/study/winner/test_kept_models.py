"""Which models of a study are kept, and when they go."""

import dataclasses
import errno
import json
import random
from pathlib import Path
from typing import Any

import pytest

from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.search import StudySearch
from study.winner import choosing as kept_models
from study.winner.choosing import KeptModels

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
    kept = KeptModels(folder, plan, {})
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
                (model / "weights").write_text(assignment.config.trial_id, encoding="utf-8")
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
    assert (folder.model_path("lora") / "weights").read_text(encoding="utf-8") == trial_of(rows, 1, 0)
    assert folder.candidates() == []


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_could_not_be_scored_is_not_kept(folder: ResultsFolder, seed: int) -> None:
    rows = run(folder, plan_of(0), random.Random(seed), fail="1 confirm")
    assert (folder.model_path("lora") / "weights").read_text(encoding="utf-8") == trial_of(rows, 2, 0)
    assert folder.candidates() == []


def test_of_trainings_anew_the_first_of_the_best_search_is_kept(folder: ResultsFolder) -> None:
    rows = run(folder, plan_of(2), random.Random(0))
    confirmed = [t for t, row in rows.items() if row["replicate"] == 1 and row["search_number"] is None]
    assert (folder.model_path("lora") / "weights").read_text(encoding="utf-8") in confirmed
    assert len(confirmed) == 2
    assert folder.candidates() == []


def test_no_more_models_wait_than_the_disk_plan_counts(folder: ResultsFolder) -> None:
    plan = plan_of(0)
    kept, search = KeptModels(folder, plan, {}), StudySearch(plan, 1, {})
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


def write_model(path: Path, assignment: Assignment) -> None:
    """What a trial leaves of its model, as far as the driver reads it."""
    path.mkdir(parents=True)
    (path / "weights").write_text(assignment.config.trial_id, encoding="utf-8")
    (path / "trial.json").write_text(
        json.dumps({"config": assignment.config.model_dump(mode="json"), "base": "x"}), encoding="utf-8"
    )


def go_on(folder: ResultsFolder, plan: Plan, known: dict[str, dict[str, Any]], slots: int = 1) -> None:
    """Go on with a study from its rows, as a driver does that was killed, or that paused for a full disk."""
    kept = KeptModels(folder, plan, known)
    search = StudySearch(plan, 1, known, on_reuse=kept.finished)
    running: list[Assignment] = []
    while True:
        while len(running) < slots and (assignment := search.next()) is not None:
            running.append(assignment)
            kept.started(assignment)
            model = folder.candidates_path / assignment.config.trial_id
            if assignment.keeps_its_model:
                write_model(model, assignment)
            elif (trained := assignment.config.trained_by) and not (
                model := model.with_name(trained)
            ).is_dir():
                write_model(model, dataclasses.replace(assignment, config=assignment.config.as_trained))
        if not running:
            return
        ended = running.pop(0)
        row = known[ended.config.trial_id] = row_of(ended)
        kept.finished(ended, row)
        search.finish(ended.config.trial_id, row)


@pytest.mark.parametrize("ended", range(1, 14))
@pytest.mark.parametrize("is_alive", [False, True])
def test_a_resumed_study_ends_with_the_same_models(folder: ResultsFolder, ended: int, is_alive: bool) -> None:
    """Whether the driver had died before it had looked at any model, or had just paused."""
    plan = plan_of(0)
    whole = ResultsFolder(folder.root / "whole")
    rows: dict[str, dict[str, Any]] = {}
    go_on(whole, plan, rows, slots=3)
    expected = (whole.model_path("lora") / "weights").read_text(encoding="utf-8")
    known = dict(list(rows.items())[:ended])
    if is_alive:
        kept = KeptModels(folder, plan, {})
    search = StudySearch(plan, 1, {})
    for _ in range(ended):
        assignment = search.next()
        assert assignment is not None
        row = row_of(assignment)
        if assignment.keeps_its_model:
            write_model(folder.candidates_path / assignment.config.trial_id, assignment)
        if is_alive:
            kept.started(assignment)
            kept.finished(assignment, row)
        search.finish(assignment.config.trial_id, row)
        known[assignment.config.trial_id] = row
    go_on(folder, plan, known)
    assert (folder.model_path("lora") / "weights").read_text(encoding="utf-8") == expected
    assert folder.candidates() == []


def test_a_worse_model_does_not_take_the_place_of_one_that_an_earlier_run_kept(folder: ResultsFolder) -> None:
    """Replicate 2 was the first to end; the resumed run ends replicate 1 before it comes to 2's rows."""
    plan = plan_of(0)
    rows: dict[str, dict[str, Any]] = {}
    go_on(folder, plan, rows)
    best = (folder.model_path("lora") / "weights").read_text(encoding="utf-8")
    for row in list(rows.values()):
        if row["replicate"] == 0 and row["search_number"] is None:
            del rows[row["trial"]]
    searched = next(row for row in rows.values() if (row["replicate"], row["search_number"]) == (0, 1))
    (folder.candidates_path / searched["trial"]).mkdir(parents=True)
    go_on(folder, plan, rows)
    assert (folder.model_path("lora") / "weights").read_text(encoding="utf-8") == best


def test_a_full_disk_at_the_promotion_costs_no_model(
    folder: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [OSError(errno.ENOSPC, "full"), None, OSError(errno.ENOSPC, "full")]
    real = kept_models.flush

    def flush(path: Path) -> None:
        if faults and (fault := faults.pop()):
            raise fault
        real(path)

    monkeypatch.setattr(kept_models, "flush", flush)
    monkeypatch.setattr("study.machine.room.POLL_SECONDS", 0.01)
    go_on(folder, plan_of(0), {})
    assert (folder.model_path("lora") / "weights").is_file()
    assert folder.candidates() == []
