"""A search that goes on from its rows proposes what it would have, and one that has ended needs no Optuna."""

import random
from typing import Any

import optuna
import pytest

from study.search.proposals import Proposals
from study.search.search import StudySearch
from tests.study.search.unrun_studies import plan_of, row_of, run

ENDINGS = ("complete", "pruned", "failed", "complete", "complete")


def ending(number: int, learning_rate: float) -> dict[str, Any]:
    status = ENDINGS[number % len(ENDINGS)]
    losses = [2 + learning_rate, 1.5 + learning_rate if status == "complete" else None]
    score = -abs(learning_rate - 0.004) if status == "complete" else None
    return {"status": status, "search_score": score, "rung_losses": None if status == "failed" else losses}


@pytest.mark.parametrize("untold", [0, 2])
@pytest.mark.parametrize("known", [5, 14])
def test_a_search_that_goes_on_proposes_what_it_would_have(known: int, untold: int) -> None:
    arm = plan_of(trials=30).compared[0]
    whole, resumed = (Proposals(arm, 0, parallel=True) for _ in range(2))
    for number in range(known):
        registered = resumed.register(whole.propose())
        assert registered == whole.parameters(number)
        for search in (whole, resumed):
            if number >= untold:
                told = number - untold
                search.tell(told, ending(told, search.parameters(told)["learning_rate"]))
    for number in range(known, known + 8):
        assert resumed.propose() == whole.propose()
        assert resumed.origin(number) == whole.origin(number)
        for search in (whole, resumed):
            told = number - untold
            search.tell(told, ending(told, search.parameters(told)["learning_rate"]))


def test_a_study_that_has_ended_tells_optuna_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(8, 2, 1)
    whole = list(run(StudySearch(plan, 3, {}), 6, random.Random(0)))

    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("Optuna was asked")

    monkeypatch.setattr(optuna, "create_study", refuse)
    reused: list[str] = []
    finished = {a.config.trial_id: row_of(a) for a in whole}
    search = StudySearch(plan, 3, finished, on_reuse=lambda a, row: reused.append(row["trial"]))
    assert search.next() is None
    assert search.exhausted
    assert sorted(reused) == sorted(finished)
