"""The start of a study: seconds from the command to its first line, costs, first trial and first step.

    python -m benchmarks.start        # the embedded default, three times

A trial has begun when its log is there; it has logged a step once its worker has imported all that it needs,
built the model and trained. Then the study is stopped. The caches are warm: the first of the studies is not
counted. The figures go to benchmarks/results/start.json, with their machine.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Thread
from typing import IO

from benchmarks.origin import command_of, describe_origin

RESULT = Path(__file__).parent / "results" / "start.json"
STUDY = ("study.run", "--space", "lora_vs_qlora")
REPEATS = 3
MOST_SECONDS = 300.0
POLL_SECONDS = 0.02
# What a line of the study's output that has to be waited for begins with.
LINES = {"first_line": "Study ", "costs": "trials "}


def main() -> None:
    """Start studies, print the seconds, and save them."""
    origin = describe_origin(command_of("start"))
    start_once()
    runs = [start_once() for _ in range(REPEATS)]
    seconds = {name: round(median(run[name] for run in runs), 1) for name in runs[0]}
    figures = {**origin, "study": " ".join(["python -m", *STUDY]), "runs": REPEATS, "seconds_to": seconds}
    text = json.dumps(figures, indent=2)
    print(text)
    RESULT.write_text(text + "\n", encoding="utf-8")


def start_once() -> dict[str, float]:
    """Start a study and stop it at its first step; return the seconds to each of its marks."""
    marks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as results:
        started = time.perf_counter()

        def mark(name: str) -> None:
            marks.setdefault(name, time.perf_counter() - started)

        command = [sys.executable, "-m", *STUDY, "--results", results]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as study:
            assert study.stdout is not None
            reader = Thread(target=_read, args=(study.stdout, mark), daemon=True)
            reader.start()
            while "first_step" not in marks and study.poll() is None:
                if time.perf_counter() - started > MOST_SECONDS:
                    break
                _look(Path(results), mark)
                time.sleep(POLL_SECONDS)
            study.send_signal(signal.SIGINT)
            reader.join()  # to the end of its output
    return marks


def _read(output: IO[str], mark: Callable[[str], None]) -> None:
    for line in output:
        for name, beginning in LINES.items():
            if line.startswith(beginning):
                mark(name)


def _look(results: Path, mark: Callable[[str], None]) -> None:
    for log in results.glob("*/logs/*.log"):
        mark("first_trial")
        if "step " in log.read_text(encoding="utf-8"):
            mark("first_step")


if __name__ == "__main__":
    main()
