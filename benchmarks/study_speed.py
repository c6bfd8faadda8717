"""A study's speed: wall time, busy share, seconds a step, tokens a second, peak memory, and accuracy by arm.

    python -m benchmarks.study_speed                  # runs the embedded lora_vs_qlora: minutes
    python -m benchmarks.study_speed paper            # runs another space
    python -m benchmarks.study_speed RESULTS/STUDY    # the figures of a study that has run

The figures go to benchmarks/results/PROFILE_SPACE.json, with the machine that they come from.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.origin import command_of
from study.results.folder import ResultsFolder

RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> None:
    """Run or read a study, print its figures and save them."""
    name = arguments[0] if arguments else "lora_vs_qlora"
    if Path(name).is_dir():
        figures = measure(Path(name), wall_seconds=None)
        command = command_of("study_speed", ["RESULTS/STUDY"])
    else:
        with tempfile.TemporaryDirectory() as parent:
            started = time.perf_counter()
            study = ["study.run", "--space", name, "--results", parent]
            subprocess.run([sys.executable, "-m", *study], check=True)
            wall_seconds = time.perf_counter() - started
            (folder,) = Path(parent).iterdir()
            figures = measure(folder, wall_seconds)
        command = command_of("study_speed", arguments)
    text = json.dumps({"command": command, **figures}, indent=2)
    print(text)
    (RESULTS / f"{figures['profile']}_{figures['space']}.json").write_text(text + "\n", encoding="utf-8")


def measure(folder: Path, wall_seconds: float | None) -> dict[str, Any]:
    """Return the figures of a finished study.

    Args:
        folder: the study's folder.
        wall_seconds: of the whole command; None takes the study's own start and end, to the second.
    """
    description = ResultsFolder(folder).read_description()
    rows = [row for row in ResultsFolder(folder).read_trials() if row["status"] == "complete"]
    return {
        "space": description["space"]["name"],
        "profile": description["profile"],
        "study": " ".join(["python -m study.run", *_without_results(description["arguments"])]),
        "date": description["started_at"][: len("2026-01-01")],
        "commit": description["commit"],
        "machine": sorted({row["source_machine"] for row in rows}),
        "models": sorted({row["model"] for row in rows}),
        "versions": description["versions"],
        "trials": len(rows),
        "slots": description["slots"],
        "wall_seconds": round(wall_seconds or _wall_seconds(description), 1),
        "busy_share": round(description["busy_share"], 3),
        "arms": {arm: _figures(own) for arm, own in sorted(_by_arm(rows).items())},
    }


def _without_results(arguments: list[str]) -> list[str]:
    """Return a study's arguments without the place of its results, which says nothing elsewhere."""
    if "--results" not in arguments:
        return arguments
    place = arguments.index("--results")
    return [*arguments[:place], *arguments[place + 2 :]]


def _wall_seconds(description: dict[str, Any]) -> float:
    started, finished = (datetime.fromisoformat(description[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def _by_arm(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    arms = defaultdict(list)
    for row in rows:
        arms[row["arm"]].append(row)
    return arms


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    steps = [row["train_seconds"] / row["train_steps"] for row in rows if row["train_steps"]]
    speeds = [row["train_tokens"] / row["train_seconds"] for row in rows if row["train_steps"]]
    rates = [row["generated_tokens"] / row["generation_seconds"] for row in rows if row["generation_seconds"]]
    peaks = [row["peak_memory_bytes"] for row in rows if row["peak_memory_bytes"]]
    accuracies = [row["accuracy"] for row in rows if row["stage"] == "confirm"]
    return {
        "trials": len(rows),
        "accuracy_percent": round(mean(accuracies), 1) if accuracies else None,
        "seconds_a_trial": round(median(row["busy_seconds"] for row in rows), 1),
        "seconds_a_training_step": round(median(steps), 4) if steps else None,
        "trained_tokens_a_second": round(median(speeds)) if speeds else None,
        "generated_tokens_a_second": round(median(rates)) if rates else None,
        "peak_mib": round(median(peaks) / 2**20) if peaks else None,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
