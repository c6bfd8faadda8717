"""The scheduling of 10,000 trials over 64 slots: under 25 ms of driver time each, and a resume in under 10 s.

    python -m benchmarks.scale              # 100, 1,000 and 10,000 trials
    python -m benchmarks.scale 100 1000     # other numbers of trials; the last is held to the limits

The trainer is a fake one that sleeps, so what is measured is what the study adds: the search, Ray Tune, the
rows, optuna.db. The first trials wait until every slot has a worker, and all are long enough to keep all
slots taken: else Ray starts workers over and over, and they are what is measured.

Each number of trials is a study of its own, of arms of 200 trials, in a process of its own (the driver), run
by the study's own code and then resumed with nothing left to do.

Driver time is the CPU time of the driver's process, all its threads: on two cores wall time is mostly the
64 workers', which share them. The warm-up, in which the workers start, is left out: the first 128 trials, or
half of a smaller study. The figures go to benchmarks/results/scale.json, with their machine. The exit status
is 1 where a limit is missed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from benchmarks.origin import command_of, describe_origin
from study import embedded
from study.engine.slots import Slots
from study.engine.watching import Watching
from study.plan.making import make_plan
from study.plan.plan import Plan, search_width
from study.plan.request import Request
from study.results.disk import DiskPlan
from study.results.finished import read_finished
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.sources.finding import Source

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results" / "scale.json"
TRIALS = (100, 1_000, 10_000)
SLOTS, ARM_TRIALS, CONFIRM_SEEDS = 64, 200, 3
MOST_WAIT_SECONDS = 300.0
MOST_DRIVER_MS, MOST_RESUME_SECONDS, MOST_GROWTH = 25.0, 10.0, 1.1
TRIAL_SECONDS = "6"
TRAINER = "benchmarks.scale:run_trial"
WORKERS = "SCALE_WORKERS"  # the variable that names a folder with a file for each worker


class Meter:
    """Reads the driver's clocks and its memory as rows are recorded."""

    def __init__(self, trials: int):
        self._marks = {"warm": min(2 * SLOTS, trials // 2), "half": trials // 2, "end": trials}
        self._ended = 0
        self.readings: dict[str, dict[str, float]] = {}

    def count(self) -> None:
        """Count a trial that has ended, and take the readings that are due: s, bytes."""
        self._ended += 1
        for name, mark in self._marks.items():
            if self._ended == mark:
                self.readings[name] = {
                    "trials": self._ended,
                    "cpu": time.process_time(),
                    "wall": time.perf_counter(),
                    "bytes": psutil.Process().memory_info().rss,
                }


def drive(root: Path, trials: int) -> dict[str, Any]:
    """Run, or go on with, the study of so many trials in a folder; this process is its driver."""
    from study.engine import launch, tuning
    from study.engine.local_ray import LocalRay
    from study.search.optuna_record import OptunaRecord

    tuning.Job.__init__.__defaults__ = (TRAINER,)
    workers = root.with_name("workers")
    workers.mkdir(exist_ok=True)
    os.environ |= {WORKERS: str(workers), "FAKE_TRIAL_SECONDS": TRIAL_SECONDS}
    meter, finish = Meter(trials), OptunaRecord.finished

    def counted(record: OptunaRecord, assignment: Assignment, row: Mapping[str, Any]) -> None:
        finish(record, assignment, row)
        meter.count()

    OptunaRecord.finished = counted  # type: ignore[method-assign]
    plan, folder = plan_of(trials), ResultsFolder(root)
    assert plan.trials == trials
    folder.create()
    slots = Slots(SLOTS, 1, 0.0)
    description = {"study": "scale", "search_width": search_width(plan, SLOTS)}
    started = time.perf_counter()
    with folder.in_use():
        folder.write_description(description)
        finished = read_finished(folder)
        disk = DiskPlan(0, 0, 0, 0, 0, SLOTS)
        watching = Watching(dashboard=False)
        own = LocalRay(slots, {"study": "scale"})
        study = launch.StudyRun(plan, folder, description, slots, disk, watching, finished=finished, ray=own)
        launch.run_study(study, Console(quiet=True))
    seconds = time.perf_counter() - started
    assert len(folder.read_trials([])) == trials
    return {"seconds": seconds, **meter.readings}


def run_trial(*arguments: Any, **options: Any) -> None:
    """Run a fake trial, once every slot has its worker."""
    from tests import fake_trainer

    workers = Path(os.environ[WORKERS])
    (workers / str(os.getpid())).touch()
    deadline = time.monotonic() + MOST_WAIT_SECONDS
    while len(list(workers.iterdir())) < SLOTS and time.monotonic() < deadline:
        time.sleep(1)
    fake_trainer.run_trial(*arguments, **options)


def plan_of(trials: int) -> Plan:
    """Return a plan of so many trials; the trainer reads neither the model nor the data."""
    plan = make_plan(Request("lora_vs_qlora", trials=1, replicates=1, settings={"variant": "main"}))
    lora = plan.arms[0]
    model, data = Source("embedded", embedded.MODEL_DIR), Source("embedded", embedded.DATA_DIR)
    share, rest = divmod(trials, max(1, trials // ARM_TRIALS))
    arms = tuple(
        dataclasses.replace(
            lora,
            label=f"arm {i}",
            values={**lora.values, "weight_decay": i / 1000},
            search_trials=share + (i < rest) - CONFIRM_SEEDS,
            confirm_seeds=CONFIRM_SEEDS,
        )
        for i in range(max(1, trials // ARM_TRIALS))
    )
    return dataclasses.replace(plan, arms=arms, models={"embedded": model}, data=data)


def figures(first: Mapping[str, Any], resumed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's figures, from the readings of its run and of its resume."""
    warm, half, end = (first[name] for name in ("warm", "half", "end"))
    trials = end["trials"] - warm["trials"]
    return {
        "trials": end["trials"],
        "measured_trials": trials,
        "driver_cpu_ms_a_trial": round(1000 * (end["cpu"] - warm["cpu"]) / trials, 1),
        "wall_ms_a_trial": round(1000 * (end["wall"] - warm["wall"]) / trials, 1),
        "driver_mib_half_way": round(half["bytes"] / 2**20),
        "driver_mib_at_the_end": round(end["bytes"] / 2**20),
        "seconds": round(first["seconds"], 1),
        "resume_seconds": round(resumed["seconds"], 1),
    }


def run_driver(root: Path, trials: int) -> dict[str, Any]:
    """Call `drive` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--drive", str(root), str(trials)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(done.stderr)
    readings: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return readings


def main(arguments: Sequence[str]) -> int:
    """Measure every size, print and save the figures, and hold the largest to the limits."""
    if arguments[:1] == ["--drive"]:
        print(json.dumps(drive(Path(arguments[1]), int(arguments[2]))))
        return 0
    studies = []
    for trials in [int(text) for text in arguments] or TRIALS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "study"
            studies.append(figures(run_driver(root, trials), run_driver(root, trials)))
            print(json.dumps(studies[-1]), flush=True)
    result = {
        **describe_origin(command_of("scale", arguments)),
        "slots": SLOTS,
        "studies": studies,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    last = studies[-1]
    growth = last["driver_mib_at_the_end"] / last["driver_mib_half_way"]
    kept = (last["driver_cpu_ms_a_trial"] < MOST_DRIVER_MS, last["resume_seconds"] < MOST_RESUME_SECONDS)
    return 0 if all(kept) and growth < MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
