"""What a large data set costs before the first trial: seconds and memory of a dry run on generated rows.

    python -m benchmarks.large_data                   # 200,000 rows, 40 to train on; a minute
    python -m benchmarks.large_data --rows 20000

The rows are GSM8K's kind, made by a seed. The dry run is a command of its own with an empty cache; each
process of it is measured by itself (Linux), for the driver may leave the look into the data to another one.
Beside it stands the same for 200 rows: what the libraries take up before there are data. The figures go to
benchmarks/results/large_data.json, with the machine they come from.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.origin import command_of, describe_origin

RESULT = Path(__file__).parent / "results" / "large_data.json"
ROWS = 200_000
FEW_ROWS = 200
TRAIN_QUESTIONS = 40
SAMPLE_SECONDS = 0.05
_DRY_RUN = ("--space", "lora_vs_qlora", "--set", "variant=main", "--dry-run")


def main() -> None:
    """Measure, print the figures and save them."""
    parser = argparse.ArgumentParser(description="Measure a dry run on a large data set.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the file ({ROWS:,})")
    rows = parser.parse_args().rows
    few = measure(FEW_ROWS)
    figures = {
        **describe_origin(command_of("large_data")),
        **measure(rows),
        "few_rows": FEW_ROWS,
        "peak_megabytes_with_few_rows": few["peak_megabytes"],
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if rows == ROWS:
        RESULT.write_text(text + "\n", encoding="utf-8")


def measure(rows: int) -> dict[str, Any]:
    """Return the figures of one dry run."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(Path(folder) / "large.jsonl", rows)
        command = [sys.executable, "-m", "study.run", *_DRY_RUN, "--data", str(path)]
        command += ["--set", f"train_questions={TRAIN_QUESTIONS}", "--results", str(Path(folder) / "results")]
        started, before = time.perf_counter(), processor_seconds()
        environment = {**os.environ, "FINETUNE_STUDY_CACHE": str(Path(folder) / "cache")}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        peaks = watch_memory(process)
        if process.returncode:
            raise SystemExit(f"the dry run ended with {process.returncode}")
        return {
            "rows": rows,
            "file_megabytes": round(path.stat().st_size / 1e6, 1),
            "train_questions": TRAIN_QUESTIONS,
            "seconds": round(time.perf_counter() - started, 1),
            "processor_seconds": round(processor_seconds() - before, 1),
            "peak_megabytes": peaks,
        }


def watch_memory(process: subprocess.Popen[bytes]) -> dict[str, int]:
    """Wait for a command; return each process's peak in MB, the largest first."""
    peaks: dict[str, float] = {}
    while process.poll() is None:
        for number, (pid, path) in enumerate(_status_files(process.pid)):
            name = "driver" if number == 0 else f"process {pid - process.pid} after it"
            peaks[name] = max(peaks.get(name, 0.0), _peak_megabytes(path))
        time.sleep(SAMPLE_SECONDS)
    return {name: round(peak) for name, peak in sorted(peaks.items(), key=lambda item: -item[1])}


def processor_seconds() -> float:
    """Return the processor time of all commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _status_files(pid: int) -> list[tuple[int, Path]]:
    try:
        tree = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []
    return [(each, Path(f"/proc/{each}/status")) for each in tree]


def _peak_megabytes(status: Path) -> float:
    """Return the most that a process had resident so far; 0 where it has just ended."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return max((int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")), default=0.0)


def write_rows(path: Path, rows: int) -> Path:
    """Write a file of worked word problems, each question another, and return its path."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            first, second, times = rng.randint(2, 99), rng.randint(2, 99), rng.randint(2, 9)
            total, whole = first + second, (first + second) * times
            question = (
                f"In shop {number} a box holds {first} apples and {second} pears. A customer buys {times} of "
                "those boxes and gives none of the fruit away. How many pieces of fruit are that?"
            )
            answer = (
                f"One box holds {first}+{second}=<<{first}+{second}={total}>>{total} pieces of fruit.\n"
                f"The customer has {total}*{times}=<<{total}*{times}={whole}>>{whole} pieces.\n#### {whole}"
            )
            file.write(json.dumps({"question": question, "answer": answer}) + "\n")
    return path


if __name__ == "__main__":
    main()
