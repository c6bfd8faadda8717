"""The sandbox: programs a second, for as many programs as GSM8K's test split has questions.

    python -m benchmarks.sandbox                  # seconds

Half of the programs are ordinary, as a trained model writes them; the rest fail in the ways that models do.
The figures go to benchmarks/results/sandbox.json, with the machine that they come from.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.origin import command_of, describe_origin
from study.sandbox import Sandbox

RESULT = Path(__file__).parent / "results" / "sandbox.json"
PROGRAMS = 1319
REPEATS = 5

MIXED = (
    "a = 48/2; answer = 48+a",
    "a = 1200*0.05; b = 1200+a; c = b/12; answer = c-20",
    "def solution():\n    price = 3\n    total = price*7\n    return total\nanswer = solution()",
    "answer = 0\nfor price in [3, 4, 5]:\n    answer += price",
    "a = 48/2 answer = 48+a",
    "She has 48/2 = 24 left. #### 24",
    "answer = total/0",
    "import math\nanswer = math.ceil(7/2)",
)
ENDLESS = "answer = 1\nwhile True:\n    answer = answer + 1"


def main() -> None:
    """Run the programs, print the figures and save them."""
    text = json.dumps(measure(), indent=2)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text + "\n", encoding="utf-8")


def measure() -> dict[str, Any]:
    """Return the figures: whole runs with the worker's start, and the cost of one endless program."""
    programs = list(islice(cycle(MIXED), PROGRAMS))
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        with Sandbox() as sandbox:
            outcomes = Counter(result.outcome for result in sandbox.run_all(programs))
        seconds.append(time.perf_counter() - started)
    with Sandbox() as sandbox:
        sandbox.run(MIXED[0])
        started = time.perf_counter()
        sandbox.run(ENDLESS)
        endless = time.perf_counter() - started
    return {
        **describe_origin(command_of("sandbox")),
        "programs": PROGRAMS,
        "outcomes": dict(outcomes),
        "seconds": {"median": round(median(seconds), 3), "slowest": round(max(seconds), 3)},
        "programs_a_second": round(PROGRAMS / median(seconds)),
        "seconds_of_an_endless_program": round(endless, 3),
    }


if __name__ == "__main__":
    main()
