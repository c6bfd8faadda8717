"""Small studies in processes of their own, each hit by a SIGKILL at a random moment and brought to its end.

Real processes, real Ray, the real command line; only the trainer is a fake one. To keep thirty within
minutes, the services of Ray that no trial needs are left out, and the drivers are forked from a server that
has imported everything.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

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
