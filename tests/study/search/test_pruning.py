"""Early stopping: the rule, what it stops, and that it gives the same study whatever the timing."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from study.config import TrialConfig
from study.errors import Pruned
from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.pruning import MINIMUM_PEERS, cutoffs, prune_above, rung_losses
from study.search.search import StudySearch
from study.trial.record import StudyContext, record_trial
from study.trial.trial import run_trial
from study.workplace import Workplace

Maker = Callable[..., TrialConfig]


def test_the_better_half_goes_on() -> None:
    first_rung = [3.0, 1.0, 2.0, 4.0]
    assert cutoffs([(loss, None) for loss in first_rung]) == [2.0, None]
    assert cutoffs([(loss, None) for loss in [*first_rung, 1.5]]) == [2.0, None]
    assert cutoffs([(loss, loss / 2) for loss in [*first_rung, 1.5, 1.6]]) == [1.6, 0.8]


def test_too_few_trials_give_no_cutoff() -> None:
    assert cutoffs([(1.0, 1.0)] * (MINIMUM_PEERS - 1)) == [None, None]
    assert cutoffs([]) == [None, None]


def test_a_rung_counts_where_a_validation_loss_was_taken() -> None:
    history = [{"step": step, "validation_loss": step / 100} for step in (10, 20, 40)]
    assert rung_losses(history, steps=40) == [0.1, 0.2]
    assert rung_losses(history[1:], steps=40) == [None, 0.2]
    assert rung_losses([], steps=40) == [None, None]


@pytest.mark.parametrize(
    ("progress", "stops"),
    [
        ({"step": 10, "validation_loss": 1.1}, True),
        ({"step": 10, "validation_loss": 1.0}, False),
        ({"step": 20, "validation_loss": 9.9}, False),  # no cut-off at the second rung
        ({"step": 11, "validation_loss": 9.9}, False),
        ({"step": 10, "validation_loss": None}, False),
        ({"step": 10, "validation_loss": 9.9, "part": 2}, False),
    ],
)
def test_a_trial_above_the_cutoff_ends_at_its_rung(progress: dict[str, Any], stops: bool) -> None:
    told: list[Any] = []
    tell = prune_above([1.0, None], told.append)
    progress = {"phase": "training", "steps": 40, "part": 1, **progress}
    if stops:
        with pytest.raises(Pruned, match=r"1\.1000 at step 10 of 40 is above 1\.0000"):
            tell(progress)
    else:
        tell(progress)
    assert told == [progress]


def plan_of(trials: int = 12, **options: Any) -> Plan:
    return make_plan(Request("lora_vs_qlora", trials=trials, replicates=1, confirm_seeds=2, **options))


def row_of(assignment: Assignment) -> dict[str, Any]:
    """A row as early stopping would make it of a loss that depends on the configuration alone."""
    config = assignment.config
    loss = abs((config.learning_rate or 0) - 0.004)
    losses: list[float | None] = [loss, loss / 2] if config.stage == "search" else []
    stopped = next((i for i, limit in enumerate(assignment.cutoffs) if limit and losses[i] > limit), None)
    if stopped == 0:
        losses[1] = None
    return {
        "trial": config.trial_id,
        **assignment.columns,
        "method": config.method,
        "status": "complete" if stopped is None else "pruned",
        "search_score": -loss if stopped is None else None,
        "rung_losses": losses,
        "config_json": config.model_dump_json(),
    }


def run(search: StudySearch, order: random.Random) -> dict[str, tuple[Assignment, dict[str, Any]]]:
    ended = {}
    running: list[Assignment] = []
    while True:
        while len(running) < 6 and (assignment := search.next()) is not None:
            running.append(assignment)
        if not running:
            return ended
        assignment = running.pop(order.randrange(len(running)))
        row = row_of(assignment)
        ended[row["trial"]] = (assignment, row)
        search.finish(row["trial"], row)


@pytest.mark.parametrize("width", [1, 2])
def test_one_seed_stops_the_same_trials_whatever_the_timing(width: int) -> None:
    studies = [run(StudySearch(plan_of(), width, {}), random.Random(i)) for i in range(3)]
    stopped = [{t for t, (_, row) in study.items() if row["status"] == "pruned"} for study in studies]
    assert stopped[0]
    assert stopped.count(stopped[0]) == 3
    for assignment, row in studies[0].values():
        if row["status"] == "pruned":
            assert assignment.config.stage == "search"
            assert assignment.number is not None
            assert assignment.number >= MINIMUM_PEERS
    finished = {t: row for t, (_, row) in random.Random(1).sample(sorted(studies[0].items()), 30)}
    rest = run(StudySearch(plan_of(), width, finished), random.Random(9))
    assert {t for t in rest if t in finished} == set()
    assert {**finished, **{t: row for t, (_, row) in rest.items()}} == {
        t: row for t, (_, row) in studies[0].items()
    }


@pytest.mark.parametrize("options", [{"trials": MINIMUM_PEERS}, {"early_stopping": False}])
def test_nothing_is_stopped_where_it_would_save_nothing_or_is_not_wanted(options: dict[str, Any]) -> None:
    study = run(StudySearch(plan_of(**options), 1, {}), random.Random(0))
    assert all(assignment.cutoffs == () for assignment, _ in study.values())


def test_the_confirm_stage_is_never_stopped() -> None:
    study = run(StudySearch(plan_of(), 1, {}), random.Random(0))
    confirms = [a for a, _ in study.values() if a.config.stage == "confirm"]
    assert len(confirms) == 4 * 2 + 10
    assert all(assignment.cutoffs == () for assignment in confirms)


@pytest.mark.slow
def test_a_real_trial_stops_at_its_rung_and_is_a_row_with_its_reason(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    folder = ResultsFolder(tmp_path)
    folder.create()
    config = config_for("lora", stage="search", max_steps=8, evaluations=4)

    def record(*limits: float | None) -> dict[str, Any]:
        record_trial(
            run_trial,
            config,
            workplace,
            folder,
            on_progress=lambda progress: None,
            context=StudyContext(cutoffs=limits),
        )
        row = folder.read_trial(config.trial_id)
        assert row is not None
        return row

    free = record()
    assert (free["status"], free["train_steps"], free["planned_steps"]) == ("complete", 8, 8)
    assert free["rung_cutoffs"] is None
    first, second = free["rung_losses"]
    assert record(first, second)["status"] == "complete"
    stopped = record(None, second - 1e-6)
    assert (stopped["status"], stopped["train_steps"], stopped["planned_steps"]) == ("pruned", 4, 8)
    assert stopped["rung_losses"] == [first, second]
    assert stopped["accuracy"] is None
    assert "at step 4 of 8 is above" in stopped["reason"]
    assert record(first - 1e-6, None)["rung_losses"] == [first, None]


def test_optuna_db_holds_how_a_search_trial_ended(tmp_path: Path) -> None:
    from study.search.optuna_record import OptunaRecord

    record = OptunaRecord(tmp_path / "optuna.db")
    study = run(StudySearch(plan_of(), 1, {}), random.Random(0))
    for assignment, row in study.values():
        record.finished(assignment, row)
    own = [row for _, row in study.values() if row["arm"] == "lora main" and row["search_number"] is not None]
    trials = optuna.load_study(
        study_name="lora main, replicate 1", storage=f"sqlite:///{tmp_path}/optuna.db"
    ).trials
    assert {t.user_attrs["trial"]: t.state.name.lower() for t in trials} == {
        row["trial"]: row["status"] for row in own
    }
