"""The tables of a large study: a million predictions from 500 trials, in less than 10 s and 2 GiB on 2 cores.

    python -m benchmarks.analysis_tables          # writes the study into a temporary folder: a few minutes

The figures go to benchmarks/results/analysis_tables.json, with their machine. The exit status is 1
where a limit is missed.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.origin import command_of, describe_origin
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results" / "analysis_tables.json"
ARMS, SEEDS, QUESTIONS = 100, 5, 2000
MOST_SECONDS, MOST_BYTES, CORES = 10.0, 2 * 1024**3, 2


def main() -> None:
    """Write the study, time the command, print and save the figures."""
    with tempfile.TemporaryDirectory() as folder:
        study = write_large_study(Path(folder) / "large")
        figures = {"predictions": ARMS * SEEDS * QUESTIONS, "trials": ARMS * SEEDS, **measure(study)}
    text = json.dumps({**describe_origin(command_of("analysis_tables"), cpus=CORES), **figures}, indent=2)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text + "\n", encoding="utf-8")
    sys.exit(0 if figures["seconds"] < MOST_SECONDS and figures["peak_bytes"] < MOST_BYTES else 1)


def write_large_study(folder: Path) -> Path:
    """Write the study with the tests' simulator: texts of 250 characters, as a worked solution has."""
    arms = [
        SimulatedArm(label=f"arm {index}", accuracy=0.2 + index / 200, seed_sd=0.02) for index in range(ARMS)
    ]
    return write_study(folder, arms, questions=QUESTIONS, seeds=range(1, SEEDS + 1), text_length=250)


def measure(study: Path) -> dict[str, Any]:
    """Return the command's wall seconds, the median of three runs on two cores, and peak memory (bytes)."""
    command = [sys.executable, "-m", "analysis.tables", str(study), "-o", str(study.parent / "table.csv")]
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {
        "seconds": round(statistics.median(seconds), 2),
        "all_seconds": [round(s, 2) for s in seconds],
        "peak_bytes": peak,
    }


if __name__ == "__main__":
    main()
