"""Thirty short studies, each hit by a SIGKILL at a random moment: resumed, each ends as if undisturbed.

Real processes, real Ray, the real command line; only the trainer is a fake one. To keep the thirty within
minutes, the services of Ray that no trial needs are left out, and the drivers are forked from a server that
has imported everything.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import psutil
import pyarrow.parquet as pq
import pytest

from analysis.comparison.comparing import compare_finished
from analysis.layout.documents import to_markdown
from analysis.reading.folders import open_studies
from study.engine.raylet import ended_with_the_raylet
from study.errors import RayLost
from study.results.folder import ResultsFolder

# On two slow cores thirty take a quarter of an hour: CI runs fewer.
RUNS = int(os.environ.get("FAULT_RUNS", "30"))
SIDE_BY_SIDE = 2
TRIALS = 17
FAKE_TRIAL_SECONDS = "0.1"
VICTIMS = ("driver", "worker", "raylet")
PRELOADED = (
    "study.run",
    "study.engine.launch",
    "study.engine.tuning",
    "study.trial.trial",
    "analysis.report",
    "sqlalchemy",
)
PATIENCE_SECONDS = 240.0  # for what takes seconds on a free machine
# What differs between two runs of the same trial: clocks.
CLOCKS = {"started_at", "ended_at", "busy_seconds", "evaluation_seconds", "study"}


def drive(arguments: Sequence[str], log: Path) -> None:
    """Be a driver: run the study's command line in this process, with a fake trainer."""
    from ray._private.node import Node

    from study import run
    from study.engine import tuning

    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ["FAKE_TRIAL_SECONDS"] = FAKE_TRIAL_SECONDS
    for service in ("start_monitor", "start_log_monitor", "start_api_server"):
        setattr(Node, service, lambda self, **options: None)
    tuning.Job.__init__.__defaults__ = ("tests.fake_trainer:run_trial",)
    sys.exit(run.main(arguments))


@dataclass(frozen=True)
class Driver:
    """A running driver.

    Attributes:
        process: its process.
        log: what it has printed.
    """

    process: Any
    log: Path

    def wait(self) -> int:
        """Return its exit status."""
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode is not None, (
            f"the driver does not end: {self.log.read_text(encoding='utf-8')}"
        )
        return self.process.exitcode

    def find(self, kind: str) -> list[psutil.Process]:
        """Return its processes of a kind: itself, its raylet, or its Ray workers that run a trial."""
        try:
            itself = psutil.Process(self.process.pid)
            if kind == "driver":
                return [itself]
            raylets = [child for child in itself.children() if child.name() == "raylet"]
            if kind == "raylet":
                return raylets
            children = [child for raylet in raylets for child in raylet.children()]
            # A worker that runs a trial goes by its arm and stage.
            titles = {child: child.cmdline()[0] for child in children}
            return [c for c, title in titles.items() if title.startswith("ray::") and ", " in title]
        except (psutil.NoSuchProcess, IndexError):
            return []


class Launcher:
    """Starts drivers with the same small study."""

    def __init__(self, options: Sequence[str]):
        self._options = options
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__, "ray.tune", *PRELOADED])

    def start(self, parent: Path) -> Driver:
        """Start the study in a new folder below `parent`."""
        return self._drive(["--results", str(parent), *self._options], parent.with_suffix(".log"))

    def resume(self, study: Path) -> Driver:
        """Go on with the study in a folder."""
        return self._drive(["--resume", str(study)], study.parent.with_suffix(".resumed.log"))

    def _drive(self, arguments: Sequence[str], log: Path) -> Driver:
        process = self._context.Process(target=drive, args=([*arguments, "--no-dashboard"], log))
        process.start()
        return Driver(process, log)


def wait_for(condition: Callable[[], Any], driver: Driver) -> Any:
    """Wait until a condition holds and return its value; None if the driver has ended without."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if value := condition():
            return value
        if not driver.process.is_alive():
            return None
        time.sleep(0.01)
    raise AssertionError(f"nothing happens: {driver.log.read_text(encoding='utf-8')}")


def kill_one(found: Sequence[psutil.Process], chance: random.Random) -> bool:
    """Kill one of the processes, and tell whether one was still there to be killed."""
    try:
        chance.choice(found).kill()
    except (IndexError, psutil.NoSuchProcess):  # none runs a trial at the moment
        return False
    return True


def rows_in(parent: Path) -> list[Path]:
    return list(parent.glob("*/trials/*.parquet"))


@dataclass(frozen=True)
class Disturbed:
    """A study that was hit and has gone on to its end.

    Attributes:
        fault: what was done, in words.
        study: its folder.
        finished: the rows that were there after the fault, and when they were written (ns).
    """

    fault: str
    study: Path
    finished: dict[str, int]


def disturb(number: int, launcher: Launcher, folder: Path) -> Disturbed:
    """Run study `number` of thirty, hit it once, and bring it to its end."""
    moment = random.Random(number)
    victim = VICTIMS[number % len(VICTIMS)]
    after = moment.randrange(TRIALS - 2)
    delay = moment.uniform(0, 0.3 if after else 3.0)
    parent = folder / f"{number}"
    driver = launcher.start(parent)
    wait_for(lambda: len(rows_in(parent)) >= after and list(parent.glob("*/study.json")), driver)
    time.sleep(delay)
    killed = wait_for(lambda: kill_one(driver.find(victim), moment), driver)
    killed_at = time.time_ns()
    assert killed, f"no {victim} to kill: {driver.log.read_text(encoding='utf-8')}"
    fault = f"{victim} killed {delay:.2f} s after trial {after}"
    status = driver.wait()
    (study,) = parent.iterdir()
    finished = {path.name: path.stat().st_mtime_ns for path in (study / "trials").glob("*.parquet")}
    # A worker is replaced. A raylet that dies while it starts is started again, and one that dies as the last
    # trial ends is not missed: nothing was run after it. Else it ends the driver, too.
    nothing_missed = after == 0 or max(finished.values()) < killed_at + 1_000_000_000
    if victim == "worker" or (victim == "raylet" and status == 0 and nothing_missed):
        assert status == 0, f"{fault}: {driver.log.read_text(encoding='utf-8')}"
        return Disturbed(fault, study, finished)
    assert status != 0, fault
    if number % 2 == 0:  # a results folder may be moved in between
        study = study.rename(study.with_name("moved"))
    resumed = launcher.resume(study)
    assert resumed.wait() == 0, f"{fault}: {resumed.log.read_text(encoding='utf-8')}"
    return Disturbed(fault, study, finished)


@pytest.fixture(scope="module")
def launcher(tiny_model: Path, small_data: Path) -> Launcher:
    settings = ["--set", "variant=main", "--trials", "2", "--replicates", "2"]
    source = ["--model", str(tiny_model), "--data", str(small_data)]
    return Launcher(["--space", "lora_vs_qlora", *source, *settings])


@pytest.fixture(scope="module")
def undisturbed(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("undisturbed") / "study"
    driver = launcher.start(parent)
    assert driver.wait() == 0, driver.log.read_text(encoding="utf-8")
    (study,) = parent.iterdir()
    assert len(ResultsFolder(study).read_trials()) == TRIALS
    return study


@pytest.fixture(scope="module")
def studies(
    request: pytest.FixtureRequest,
    launcher: Launcher,
    undisturbed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[int, Future[Disturbed]]]:
    """The studies that are asked for, running side by side; each test waits for its own."""
    folder = tmp_path_factory.mktemp("disturbed")
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    numbers = [call.params["number"] for call in calls if call is not None]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {number: pool.submit(disturb, number, launcher, folder) for number in numbers}
        pool.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(RUNS))
def test_a_study_that_was_hit_ends_as_one_that_was_not(
    number: int, studies: dict[int, Future[Disturbed]], undisturbed: Path
) -> None:
    hit = studies[number].result()
    print(hit.fault)
    assert trials_of(hit.study) == trials_of(undisturbed)
    assert files_of(hit.study) == files_of(undisturbed)
    assert optuna_trials_of(hit.study) == optuna_trials_of(undisturbed)
    assert table_of(hit.study) == table_of(undisturbed)
    for name, written in hit.finished.items():
        assert (hit.study / "trials" / name).stat().st_mtime_ns == written, f"{name} was run again"
    assert not list((hit.study / "checkpoints").glob("*"))


def trials_of(study: Path) -> list[dict[str, Any]]:
    """Every row, clocks left out."""
    rows = ResultsFolder(study).read_trials()
    return [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows]


def files_of(study: Path) -> dict[str, Any]:
    """Every Parquet file, read; what hangs on clocks left out."""
    tables = {
        path.relative_to(study): pq.read_table(path, partitioning=None) for path in study.rglob("*.parquet")
    }
    return {
        str(name): table if name.parts[0] == "predictions" else table.num_rows
        for name, table in tables.items()
    }


def optuna_trials_of(study: Path) -> dict[str, list[Any]]:
    """What optuna.db knows of each arm: its trials, by what was told."""
    storage = f"sqlite:///{ResultsFolder(study).optuna_path}"
    return {
        name: sorted(
            (trial.user_attrs["trial"], trial.state.name, trial.value, sorted(trial.params.items()))
            for trial in optuna.load_study(study_name=name, storage=storage).trials
        )
        for name in optuna.get_all_study_names(storage)
    }


def table_of(study: Path) -> str:
    return to_markdown(compare_finished(open_studies([study])))


@pytest.fixture
def raylet(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that goes by a raylet's name."""
    name = shutil.copy(shutil.which("sleep") or "sleep", tmp_path / "raylet")
    with subprocess.Popen([name, "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """A process that hears Ctrl-C: whoever runs the tests in the background may have had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_ctrl_c() -> Iterator[None]:
    """A process that was started to ignore Ctrl-C, as in a script's background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def kill_and_wait(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    time.sleep(30)


def interrupt_and_wait() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)


@pytest.mark.parametrize("hearing", ["ctrl_c", "no_ctrl_c"])
def test_a_dead_raylet_ends_the_study_within_a_second(
    hearing: str, raylet: subprocess.Popen[bytes], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(hearing)
    started = time.monotonic()
    with pytest.raises(RayLost, match="the raylet"), ended_with_the_raylet():
        kill_and_wait(raylet)
    assert time.monotonic() - started < 20


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stays_ctrl_c_beside_a_raylet_that_lives(raylet: subprocess.Popen[bytes]) -> None:
    with pytest.raises(KeyboardInterrupt), ended_with_the_raylet():
        interrupt_and_wait()
