"""The ways to do a work, each a command of its own process, and what came of one run of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from benchmarks.rivals.gpu_meter import Reading, chosen_gpu
from benchmarks.rivals.work import TRIALS_FILE, Work, is_same_point, space_file
from study.results.folder import ResultsFolder

ROOT = Path(__file__).parents[2]
# What the user's environment says of threads and of a Ray cluster.
_LEFT_OUT = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAY_ADDRESS")


@dataclass(frozen=True)
class Way:
    """A way to do a work: a line of the table.

    Attributes:
        runner: a module of this package, or "study": this project.
        at_once: trials at once.
        threads: CPUs of each of them.
        precision: "fp32" or "bf16".
        options: of `study.run`, besides.
    """

    name: str
    runner: Literal["plain", "ray_search", "study"]
    at_once: int
    threads: int
    precision: str = "fp32"
    options: Sequence[str] = ()


class WayFailed(Exception):
    """A way did not do its work; the message says how."""


@dataclass(frozen=True)
class Trial:
    """A trial of the search: when it began and ended (s since the epoch), and the share of right answers."""

    began: float
    ended: float
    accuracy: float


@dataclass(frozen=True)
class Run:
    """What came of doing a work once.

    Attributes:
        began, ended: of the whole command, s since the epoch.
        trials: those of the search that are complete.
        own: figures of the study's own.
        cpu_busy: % of this machine's processors, whoever used them, over the command.
        readings: of the GPU.
    """

    began: float
    ended: float
    trials: Sequence[Trial]
    own: Mapping[str, Any]
    cpu_busy: float
    readings: Sequence[Reading] = field(default=(), repr=False)

    @property
    def first_after_seconds(self) -> float:
        """From the command to the beginning of the first trial of the search."""
        return min(trial.began for trial in self.trials) - self.began

    @property
    def trials_an_hour(self) -> float:
        """By the wall time of the whole command, from its start to its last line."""
        return 3600 * len(self.trials) / (self.ended - self.began)

    @property
    def steady_trials_an_hour(self) -> float:
        """By the time from the beginning of the search's first trial to the end of its last."""
        began, ended = self.steady
        return 3600 * len(self.trials) / (ended - began)

    @property
    def steady(self) -> tuple[float, float]:
        """When the search's first trial began and its last one ended."""
        return min(trial.began for trial in self.trials), max(trial.ended for trial in self.trials)


def run(
    way: Way, work: Work, folder: Path, output: Path, meter: AbstractContextManager[Any] | None = None
) -> Run:
    """Do the work of a folder in a way, in a process of its own, and return what came of it.

    Args:
        output: an empty folder.
        meter: reads the GPU while it is open.

    Raises:
        WayFailed: the command failed, or its trials are not those of the work.
    """
    output.mkdir(parents=True)
    log = output / "log.txt"
    with log.open("w", encoding="utf-8") as said, meter or nullcontext([]) as readings:
        psutil.cpu_percent()  # from here
        began = time.time()
        code = subprocess.run(
            command(way, work, folder, output), cwd=ROOT, env=_environment(output), stdout=said, stderr=said
        ).returncode
        ended, cpu_busy = time.time(), psutil.cpu_percent()
    if code:
        raise WayFailed(f"exit status {code}:\n{log.read_text(encoding='utf-8')[-3000:]}")
    rows, own = _read_study(output) if way.runner == "study" else (_read_rival(output), {})
    check_trials(way, work, rows)
    trials = [Trial(row["began"], row["ended"], row["accuracy"]) for row in rows]
    return Run(began, ended, trials, own, cpu_busy, list(readings))


def command(way: Way, work: Work, folder: Path, output: Path) -> list[str]:
    """Return the command of a way."""
    python = [sys.executable, "-m"]
    if way.runner == "study":
        return [
            *python,
            "study.run",
            *_study_arguments(way, work, folder),
            "--results",
            str(output / "study"),
        ]
    own = [str(folder), str(output), way.precision, str(way.threads)]
    if way.runner == "ray_search":
        own.append(str(way.at_once))
    return [*python, f"benchmarks.rivals.{way.runner}", *own]


def _study_arguments(way: Way, work: Work, folder: Path) -> list[str]:
    named = {
        "--space": space_file(folder),
        "--profile": work.profile,
        "--model": work.model,
        "--data": work.data,
        "--replicates": 1,
        "--trials": len(work.points),
        "--max-concurrent": way.at_once,
        "--cpus-per-trial": way.threads,
    }
    if work.device == "cuda":
        named["--gpus-per-trial"] = 1 / way.at_once
    settings = [f"{name}={value}" for name, value in {**work.settings, "precision": way.precision}.items()]
    flags = ["--no-early-stopping", "--no-dashboard"]
    return [
        *(text for name, value in named.items() for text in (name, str(value))),
        *(text for setting in settings for text in ("--set", setting)),
        *flags,
        *way.options,
    ]


def _environment(output: Path) -> dict[str, str]:
    """Return the environment of a command: nothing kept, no network, cluster or threads but those given."""
    own = {
        "CUDA_VISIBLE_DEVICES": chosen_gpu(),
        "FINETUNE_STUDY_CACHE": str(output / "cache"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**kept, **own}


def _read_rival(output: Path) -> list[dict[str, Any]]:
    lines = (output / TRIALS_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _read_study(output: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the complete trials of a study's search, and its own figures."""
    (root,) = (path.parent for path in (output / "study").glob("*/study.json"))
    folder = ResultsFolder(root)
    rows = folder.read_trials()
    searched = [row for row in rows if row["stage"] == "search" and row["status"] == "complete"]
    own = {
        "busy_share": folder.read_description()["busy_share"],
        "busy_seconds": sum(row["busy_seconds"] or 0.0 for row in rows),
        "other_trials": len(rows) - len(searched),
    }
    for row in searched:
        row |= {
            "began": row["started_at"].timestamp(),
            "ended": row["ended_at"].timestamp(),
            "accuracy": row["accuracy"] / 100,
            "threads": row["source_threads"],
        }
    return searched, own


def check_trials(way: Way, work: Work, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse trials that are not those of the work, or not on the threads of the way.

    Raises:
        WayFailed: so it is.
    """
    left = list(rows)
    for point in work.points:
        same = [row for row in left if is_same_point(row, point)]
        if not same:
            raise WayFailed(f"no complete trial of {dict(point)}")
        left.remove(same[0])
    if left:
        raise WayFailed(f"{len(left)} trials beside those of the work")
    if threads := {row["threads"] for row in rows} - {way.threads}:
        raise WayFailed(f"trials ran on {sorted(threads)} threads, and not on {way.threads}")
