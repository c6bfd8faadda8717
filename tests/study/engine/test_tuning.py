"""Ray Tune around a fake trainer: real Ray, real rows, no model."""

import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.experiment import Trial

from study.engine import handing_out
from study.engine.handing_out import HandingOut, InOrder, Unsaved
from study.engine.tuning import run_trials
from study.engine.worker import Job
from study.machine.room import Gate, Room
from study.plan.binding import workplace_of
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.search import StudySearch
from tests.conftest import RAYS_OWN_WARNINGS
from tests.small_disk import small_disk
from tests.study.engine.fake_runs import FAKE, SLOTS, Done, Log, run

pytestmark = RAYS_OWN_WARNINGS


def test_every_trial_of_the_plan_becomes_a_row(plan: Plan, done: Done) -> None:
    assert len(done.rows) == plan.trials == 22
    assert {row["status"] for row in done.rows.values()} == {"complete"}
    assert {row["arm"] for row in done.rows.values()} == {arm.label for arm in plan.arms}
    for kind in ("started", "progressed", "finished"):
        assert {trial for event, trial in done.log.events if event == kind} == set(done.rows), kind
    assert all((done.root / row["log"]).is_file() for row in done.rows.values())


def test_waiting_trials_start_in_the_order_in_which_they_were_handed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trial(name: str, status: str = Trial.PENDING) -> Any:
        return SimpleNamespace(trial_id=name, status=status, worker=None)

    searcher: Any = SimpleNamespace(
        assignments={"running": None, "first": None, "second": None}, gave_up=False
    )
    live = [trial("second"), trial("first"), trial("running", Trial.RUNNING)]
    controller = SimpleNamespace(get_live_trials=lambda: live)
    monkeypatch.setattr(handing_out, "forget_ended", lambda controller: None)
    monkeypatch.setattr(handing_out, "has_worker", lambda trial: trial.worker is not None)
    assert InOrder(searcher).choose_trial_to_run(controller) is live[1]
    live[1].worker = "a worker that is handed over to it"
    assert InOrder(searcher).choose_trial_to_run(controller) is live[0]
    live.pop(0)
    assert InOrder(searcher).choose_trial_to_run(controller) is None


def test_on_one_machine_no_trial_reserves_its_cpus_with_ray(done: Done) -> None:
    """Each trial that waits would make one, and each costs Ray a task in a process of its own."""
    assert ray.util.placement_group_table() == {}


def test_tune_forgets_trials_that_have_ended(done: Done) -> None:
    assert max(done.kept_by_tune) <= 2 * SLOTS.count + 1  # those that run or wait, and the last that ended


def test_tune_takes_no_snapshot_of_the_search(plan: Plan, tmp_path: Path) -> None:
    # It renames one while a thread of its own may be copying the last, and logs a traceback when both meet.
    Unsaved(HandingOut(StudySearch(plan, 1, {}), None, 1)).save_to_dir(str(tmp_path), "now")
    assert not list(tmp_path.iterdir())


def test_workers_are_reused(done: Done) -> None:
    pids = {path.read_text(encoding="utf-8").split()[-1] for path in (done.root / "logs").iterdir()}
    assert len(pids) <= SLOTS.count


def test_what_is_finished_is_not_run_again_and_the_rest_comes_out_the_same(plan: Plan, done: Done) -> None:
    lost = sorted(done.rows)[:6]
    for trial in lost:
        ResultsFolder(done.root).table_path("trials", trial).unlink()
    log = Log()
    again = run(plan, done.root, log)
    assert sorted(trial for event, trial in log.events if event == "started") == lost
    assert {t: row["accuracy"] for t, row in again.items()} == {
        t: row["accuracy"] for t, row in done.rows.items()
    }


@pytest.mark.slow
def test_a_worker_killed_for_memory_before_its_trial_reports_does_not_end_the_study(
    plan: Plan, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, give_worker, killed = ray.get, Trial.set_ray_actor, []

    def get_as_with_a_memory_monitor(*arguments: Any, **options: Any) -> Any:
        try:
            return get(*arguments, **options)
        except RayActorError:
            raise OutOfMemoryError("1 worker(s) were killed due to the node running low on memory") from None

    def give_the_first_a_dead_worker(trial: Trial, worker: Any) -> None:
        if worker is not None and not killed:
            killed.append(trial.config["trial"])
            ray.kill(worker)
            with suppress(RayActorError):  # it may live on for long enough to run the trial
                while True:
                    get(worker.get_current_ip_pid.remote())
        give_worker(trial, worker)

    monkeypatch.setattr(ray, "get", get_as_with_a_memory_monitor)
    monkeypatch.setattr(Trial, "set_ray_actor", give_the_first_a_dead_worker)
    lost = sorted(trial for trial, row in done.rows.items() if row["batch_size"])[:2]
    for trial in lost:
        ResultsFolder(done.root).table_path("trials", trial).unlink()
    log = Log()
    again = run(plan, done.root, log)
    assert len(killed) == 1
    assert len([event for event, _ in log.events if event == "interrupted"]) == 1
    assert sorted(again[trial]["source_accumulation"] for trial in lost) == [1, 2]
    assert {t: row["accuracy"] for t, row in again.items()} == {
        t: row["accuracy"] for t, row in done.rows.items()
    }


@pytest.mark.slow
def test_a_full_disk_pauses_the_study_and_loses_nothing(plan: Plan, done: Done, tmp_path: Path) -> None:
    said: list[str | None] = []
    started_while_full: list[str] = []

    with small_disk(tmp_path / "disk", megabytes=8) as disk:

        class FillsTheDisk(Log):
            def started(self, assignment: Assignment) -> None:
                super().started(assignment)
                if said and said[-1] is not None:
                    started_while_full.append(assignment.config.trial_id)

            def finished(self, assignment: Assignment, row: Any) -> None:
                super().finished(assignment, row)
                if len([event for event, _ in self.events if event == "finished"]) == 5:
                    disk.fill()
                    threading.Timer(8.0, disk.free).start()

        root = disk.path / "study"
        folder, room = ResultsFolder(root), Room(((root, 1e6),))
        folder.create()
        job = Job({name: workplace_of(plan, name, room=room) for name in plan.models}, root, {}, trainer=FAKE)
        run_trials(StudySearch(plan, 1, {}), job, SLOTS, [FillsTheDisk()], Gate(room, said.append))
        rows = {row["trial"]: row for row in folder.read_trials()}
        assert len(list((root / "predictions").iterdir())) == len(rows)
    assert len(said) == 2
    assert "1 MB are needed to go on" in str(said[0])
    assert said[1] is None
    # What had been handed out before: Tune asks ahead. Its workers wait.
    assert len(started_while_full) <= SLOTS.count
    assert {t: (row["status"], row["accuracy"]) for t, row in rows.items()} == {
        t: (row["status"], row["accuracy"]) for t, row in done.rows.items()
    }
