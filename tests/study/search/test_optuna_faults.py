"""optuna.db: a record of what the search was told, exactly once each, whatever happens to the file."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from study.plan.making import make_plan
from study.plan.request import Request
from study.search.assignment import Assignment
from study.search.optuna_record import OptunaRecord
from study.search.search import StudySearch

Ended = list[tuple[Assignment, dict[str, Any]]]


@pytest.fixture
def ended() -> Ended:
    """Three search trials of each arm, with their rows; one has failed."""
    search = StudySearch(make_plan(Request("lora_vs_qlora", trials=3, replicates=1, confirm_seeds=1)), 3, {})
    found = []
    while (assignment := search.next()) is not None:
        row = {"trial": assignment.config.trial_id, "status": "complete", "search_score": len(found) / 10}
        found.append((assignment, row))
    found[0][1].update(status="failed", search_score=None)
    return found


def record(path: Path, ended: Ended) -> dict[str, list[tuple[str, Any]]]:
    """Record trials, and return what Optuna then knows of each arm: trial and score."""
    writer = OptunaRecord(path)
    for assignment, row in ended:
        writer.finished(assignment, row)
    storage = f"sqlite:///{path}"
    return {
        name: [
            (t.user_attrs["trial"], t.value)
            for t in optuna.load_study(study_name=name, storage=storage).trials
        ]
        for name in optuna.get_all_study_names(storage)
    }


def test_each_search_trial_is_recorded_once_though_it_is_told_again(tmp_path: Path, ended: Ended) -> None:
    searched = [(a, row) for a, row in ended if a.number is not None]
    first = record(tmp_path / "optuna.db", ended[:7])
    assert sum(map(len, first.values())) == len([a for a, _ in ended[:7] if a.number is not None])
    both = record(tmp_path / "optuna.db", ended)
    assert sorted(trial for told in both.values() for trial in told) == sorted(
        (row["trial"], row["search_score"]) for _, row in searched
    )


@pytest.mark.parametrize("spoil", ["empty", "no database", "cut short", "a hole"])
def test_a_spoilt_record_is_written_anew(tmp_path: Path, ended: Ended, spoil: str) -> None:
    path = tmp_path / "optuna.db"
    whole = record(path, ended)
    content = path.read_bytes()
    spoilt = {
        "empty": b"",
        "no database": b"not a database",
        "cut short": content[:10_000],
        "a hole": content[:40_960] + bytes(40_960) + content[81_920:],
    }
    path.write_bytes(spoilt[spoil])
    assert record(path, ended) == whole


def test_a_failed_trial_that_was_tried_again_is_recorded_as_both(tmp_path: Path, ended: Ended) -> None:
    path = tmp_path / "optuna.db"
    (assignment, failed), *_ = ended
    again = (assignment, {**failed, "status": "complete", "search_score": 0.5})
    told = [(failed["trial"], None), (failed["trial"], 0.5)]
    assert record(path, [ended[0]])[f"{assignment.arm.label}, replicate 1"] == told[:1]
    assert record(path, [again])[f"{assignment.arm.label}, replicate 1"] == told
    assert record(path, [again])[f"{assignment.arm.label}, replicate 1"] == told
