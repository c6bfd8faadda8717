"""What a large data set costs before the first trial: seconds and memory of a dry run on generated rows.

    python -m benchmarks.large_data                   # 200,000 rows, 40 to train on; a minute
    python -m benchmarks.large_data --rows 20000

The rows are GSM8K's kind, made by a seed. The dry run is a process of its own with an empty cache. The
figures go to benchmarks/results/large_data.json, with the machine they come from.
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

from benchmarks.origin import command_of, describe_origin

RESULT = Path(__file__).parent / "results" / "large_data.json"
ROWS = 200_000
TRAIN_QUESTIONS = 40
_DRY_RUN = ("--space", "lora_vs_qlora", "--set", "variant=main", "--dry-run")


def main() -> None:
    """Measure, print the figures and save them."""
    parser = argparse.ArgumentParser(description="Measure a dry run on a large data set.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the file ({ROWS:,})")
    rows = parser.parse_args().rows
    text = json.dumps(measure(rows), indent=2)
    print(text)
    if rows == ROWS:
        RESULT.write_text(text + "\n", encoding="utf-8")


def measure(rows: int) -> dict[str, Any]:
    """Return the figures of one dry run."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(Path(folder) / "large.jsonl", rows)
        command = [sys.executable, "-m", "study.run", *_DRY_RUN, "--data", str(path)]
        command += ["--set", f"train_questions={TRAIN_QUESTIONS}", "--results", str(Path(folder) / "results")]
        started = time.perf_counter()
        environment = {**os.environ, "FINETUNE_STUDY_CACHE": str(Path(folder) / "cache")}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            **describe_origin(command_of("large_data")),
            "rows": rows,
            "file_megabytes": round(path.stat().st_size / 1e6, 1),
            "train_questions": TRAIN_QUESTIONS,
            "seconds": round(seconds, 1),
            "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
            "peak_memory_megabytes": round(usage.ru_maxrss / 1e3),
        }


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
