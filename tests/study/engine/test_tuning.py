"""Ray Tune around a fake trainer: real Ray, real rows, no model."""

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.experiment import Trial

from study.engine import handing_out, trial_events
from study.engine.handing_out import HandingOut, InOrder, Unsaved
from study.engine.local_ray import local_ray
from study.engine.slots import Slots
from study.engine.trial_actor import titled_by_trial
from study.engine.tuning import run_trials
from study.engine.worker import Job
from study.errors import StudyFailed, UserError
from study.machine.room import Gate, Room
from study.plan.binding import bind, workplace_of
from study.plan.plan import Plan, Request, make_plan
from study.results.folder import ResultsFolder
from study.search.observer import Observer
from study.search.search import HOPELESS_FAILURES, Assignment, StudySearch
from tests.conftest import RAYS_OWN_WARNINGS
from tests.small_disk import small_disk

FAKE = "tests.fake_trainer:run_trial"
SLOTS = Slots(count=2, cpus=1, gpus=0.0)

pytestmark = RAYS_OWN_WARNINGS


class Log(Observer):
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, assignment: Assignment) -> None:
        self.events.append(("started", assignment.config.trial_id))

    def progressed(self, assignment: Assignment, progress: Any) -> None:
        self.events.append(("progressed", assignment.config.trial_id))

    def interrupted(self, assignment: Assignment, reason: str) -> None:
        self.events.append(("interrupted", assignment.config.trial_id))

    def finished(self, assignment: Assignment, row: Any) -> None:
        self.events.append(("finished", row["trial"]))


@pytest.fixture(scope="module")
def plan(tiny_model: Path, small_data: Path) -> Plan:
    request = Request(
        "lora_vs_qlora", model=str(tiny_model), data=str(small_data), trials=2, replicates=1, confirm_seeds=1
    )
    return bind(make_plan(request))


@pytest.fixture(scope="module")
def ray_running() -> Iterator[None]:
    with local_ray(SLOTS):
        yield


Rows = dict[str, dict[str, Any]]


def run(plan: Plan, root: Path, log: Log, trainer: str = FAKE) -> Rows:
    folder = ResultsFolder(root)
    folder.create()
    finished = {row["trial"]: row for row in folder.read_trials()}
    workplaces = {name: workplace_of(plan, name) for name in plan.models}
    job = Job(workplaces, root, {"study": "test"}, trainer=trainer)
    run_trials(StudySearch(plan, 1, finished), job, SLOTS, [log])
    return {row["trial"]: row for row in folder.read_trials()}


@dataclass(frozen=True)
class Done:
    """A study that ran undisturbed.

    Attributes:
        kept_by_tune: trials in Tune's list, at each of its steps.
    """

    root: Path
    log: Log
    rows: Rows
    kept_by_tune: list[int]


@pytest.fixture(scope="module")
def done(plan: Plan, ray_running: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    root, log = tmp_path_factory.mktemp("undisturbed"), Log()
    forget, kept = handing_out._forget_ended, []

    def forget_and_count(controller: Any) -> None:
        forget(controller)
        kept.append(len(controller._trials))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handing_out, "_forget_ended", forget_and_count)
        return Done(root, log, run(plan, root, log), kept)


def test_every_trial_of_the_plan_becomes_a_row(plan: Plan, done: Done) -> None:
    assert len(done.rows) == plan.trials == 22
    assert {row["status"] for row in done.rows.values()} == {"complete"}
    assert {row["arm"] for row in done.rows.values()} == {arm.label for arm in plan.arms}
    for kind in ("started", "progressed", "finished"):
        assert {trial for event, trial in done.log.events if event == kind} == set(done.rows), kind
    assert all((done.root / row["log"]).is_file() for row in done.rows.values())


def test_waiting_trials_start_in_the_order_in_which_they_were_handed_out() -> None:
    def trial(name: str, status: str = Trial.PENDING) -> Any:
        return SimpleNamespace(trial_id=name, status=status, temporary_state=SimpleNamespace(ray_actor=None))

    searcher: Any = SimpleNamespace(
        assignments={"running": None, "first": None, "second": None}, gave_up=False
    )
    live = [trial("second"), trial("first"), trial("running", Trial.RUNNING)]
    controller = SimpleNamespace(get_live_trials=lambda: live, _tune_controller=SimpleNamespace(_trials=[]))
    assert InOrder(searcher).choose_trial_to_run(controller) is live[1]
    live[1].temporary_state.ray_actor = "a worker that is handed over to it"
    assert InOrder(searcher).choose_trial_to_run(controller) is live[0]
    live.pop(0)
    assert InOrder(searcher).choose_trial_to_run(controller) is None


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


@pytest.mark.parametrize(
    ("lost_node", "started", "error", "reason"),
    [
        (False, True, "The actor died unexpectedly", trial_events.PROCESS_DIED),
        (False, True, "killed due to the node running low on memory", trial_events.OUT_OF_MEMORY),
        (False, False, "killed due to the node running low on memory", trial_events.NEVER_STARTED),
        (False, True, "The actor 12ab is unavailable: Connection reset", trial_events.NODE_LOST),
        (True, True, "The actor died unexpectedly", trial_events.NODE_LOST),
    ],
)
def test_what_befell_a_worker_decides_how_often_its_trial_is_tried_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lost_node: bool,
    started: bool,
    error: str,
    reason: str,
) -> None:
    (tmp_path / "error.txt").write_text(
        f"Failure # 1\nrunning low on memory\nFailure # 2\n{error}\n", encoding="utf-8"
    )
    monkeypatch.setattr(trial_events, "_has_lost_its_node", lambda trial: lost_node)
    trial: Any = SimpleNamespace(trial_id="abc", error_file=tmp_path / "error.txt")
    nothing: Any = None
    watcher = trial_events.TrialEvents(nothing, Job({}, tmp_path, {}), [])
    if started:
        watcher.on_trial_start(0, [], trial)
    assert watcher._why(trial) == reason
    assert reason in trial_events.RESTARTS


def test_a_worker_that_cannot_take_the_next_trial_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = titled_by_trial(lambda config: None)
    monkeypatch.setattr(slot.__mro__[1], "reset_config", lambda self, config: False)
    with pytest.raises(RuntimeError, match="does not end"):
        slot.__new__(slot).reset_config({})


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


def test_a_worker_that_does_not_see_the_results_folder_stops_the_study(
    plan: Plan, ray_running: None, tmp_path: Path
) -> None:
    workplaces = {name: workplace_of(plan, name) for name in plan.models}
    job = Job(workplaces, tmp_path / "elsewhere", {"study": "test"}, trainer=FAKE)
    with pytest.raises(UserError, match=r"a trial can't run: .* does not see the results folder"):
        run_trials(StudySearch(plan, 1, {}), job, SLOTS, [Log()])
    assert not (tmp_path / "elsewhere").exists()


def test_a_look_that_cannot_be_taken_stops_the_study(plan: Plan, ray_running: None, tmp_path: Path) -> None:
    def fail(replicates: int) -> list[str]:
        raise StudyFailed(f"the look after {replicates} can't be taken")

    looking = dataclasses.replace(plan, request=dataclasses.replace(plan.request, looks=(1,)))
    folder = ResultsFolder(tmp_path)
    folder.create()
    job = Job({name: workplace_of(plan, name) for name in plan.models}, tmp_path, {}, trainer=FAKE)
    with pytest.raises(StudyFailed, match="the look after 1 can't be taken"):
        run_trials(StudySearch(looking, 1, {}, take_look=fail), job, SLOTS, [Log()])
    assert len(folder.trial_ids()) == plan.trials


@pytest.mark.parametrize(
    ("trainer", "reason"),
    [
        ("with_a_bug", "RuntimeError: a bug"),
        pytest.param("that_is_killed", "worker process died", marks=pytest.mark.slow),
    ],
)
def test_an_arm_that_fails_does_not_stop_the_others(
    plan: Plan, ray_running: None, tmp_path: Path, trainer: str, reason: str
) -> None:
    rows = run(plan, tmp_path, Log(), f"tests.fake_trainer:{trainer}")
    failed = [row for row in rows.values() if row["status"] != "complete"]
    assert {row["method"] for row in failed} == {"qlora"}
    assert len(failed) == 4  # both arms' search trials; nothing to confirm
    assert all(reason in row["reason"] for row in failed)
    assert len(rows) == plan.trials - 2


def test_a_bug_that_fails_every_trial_stops_the_study_after_a_few(
    plan: Plan, tmp_path: Path, ray_running: None
) -> None:
    log = Log()
    rows = run(plan, tmp_path / "study", log, "tests.fake_trainer:with_a_bug_in_all")
    # Those that wait are not started any more; one may have been under way.
    assert HOPELESS_FAILURES <= len(rows) < HOPELESS_FAILURES + SLOTS.count < plan.trials
    assert {row["status"] for row in rows.values()} == {"failed"}
    assert len([event for event, _ in log.events if event == "started"]) == len(rows)


@pytest.mark.slow
def test_a_trial_whose_process_dies_is_taken_up_by_another(plan: Plan, done: Done, tmp_path: Path) -> None:
    log = Log()
    rows = run(plan, tmp_path, log, "tests.fake_trainer:that_is_killed_once")
    assert {t: (row["status"], row["accuracy"]) for t, row in rows.items()} == {
        t: (row["status"], row["accuracy"]) for t, row in done.rows.items()
    }
    assert list((tmp_path / "checkpoints").iterdir()) == []
    for _, trial in [event for event in log.events if event[0] == "interrupted"]:
        assert [what for what, other in log.events if other == trial and what != "progressed"] == [
            *("started", "interrupted", "started", "finished")
        ]
    assert any(what == "interrupted" for what, _ in log.events)


@pytest.mark.slow
def test_ctrl_c_ends_in_seconds_and_the_study_can_go_on(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.fake_study", "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "FAKE_TRIAL_SECONDS": "1"}
    options = ["--model", str(tiny_model), "--data", str(small_data), "--set", "variant=main"]
    options += ["--trials", "2", "--replicates", "1", "--confirm-seeds", "1"]
    process = subprocess.Popen(
        [*command, "--space", "lora_vs_qlora", *options, "--results", str(tmp_path / "results")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # Whatever runs the tests in the background may have had Ctrl-C ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        encoding="utf-8",
    )
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("results/*/trials/*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    # Seconds on a free machine; the bound is for one that is busy.
    output = process.communicate(timeout=90)[0]
    assert process.returncode == 130, output
    assert "trials have finished and are kept in" in output
    (study,) = (tmp_path / "results").iterdir()
    assert f"python -m study.run --resume {study}" in output
    kept = {path.stem for path in (study / "trials").glob("*.parquet")}
    assert 3 <= len(kept) < 11

    done = subprocess.run(
        [*command, "--resume", str(study)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = ResultsFolder(study).read_trials()
    assert len(rows) == 11
    assert kept <= {row["trial"] for row in rows}


@pytest.mark.slow
def test_a_trial_that_exhausts_the_host_goes_on_with_halved_batches(plan: Plan, tmp_path: Path) -> None:
    import psutil

    memory = psutil.virtual_memory()
    allowed = (memory.total - memory.available + 3e9) / memory.total
    if allowed > 0.95:
        pytest.skip("less than 3 GB of memory is free")
    script = tmp_path / "run.py"
    script.write_text(
        "import pickle, sys\n"
        "from pathlib import Path\n"
        "from study.engine.local_ray import local_ray\n"
        "from tests.study.engine.test_tuning import Log, SLOTS, run\n"
        "plan = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "with local_ray(SLOTS):\n"
        "    run(plan, Path(sys.argv[2]), Log(), 'tests.fake_trainer:that_eats_memory')\n",
        encoding="utf-8",
    )
    (tmp_path / "plan").write_bytes(pickle.dumps(plan))
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "RAY_memory_usage_threshold": f"{allowed:.4f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    command = [sys.executable, str(script), str(tmp_path / "plan"), str(tmp_path / "study")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    rows = ResultsFolder(tmp_path / "study").read_trials()
    assert len(rows) == plan.trials
    assert {row["status"] for row in rows} == {"complete"}
    halved = {(row["arm"], row["stage"]) for row in rows if row["source_accumulation"] == 2}
    assert ("qlora main", "confirm") in halved
    assert len(halved) <= 2  # Ray may kill the trial beside it too
