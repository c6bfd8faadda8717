"""A contest: every way does the same work, one after another, so many times.

The first way is what the others are compared with, within each repeat. A figure is the median over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.rivals.gpu_meter import mean_utilisation, peak_memory_mib
from benchmarks.rivals.ways import Run, Way, WayFailed, run
from benchmarks.rivals.work import Work


@dataclass
class Entry:
    """A way and its runs, one a repeat; None: that one failed, and `failure` says how."""

    way: Way
    runs: list[Run | None] = field(default_factory=list)
    failure: str | None = None


def hold(
    ways: Sequence[Way],
    work: Work,
    folder: Path,
    repeats: int,
    *,
    meter: Callable[[], AbstractContextManager[Any]] | None = None,
    tell: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Let every way do the work of a folder so many times, and return the figures of each.

    Args:
        meter: makes what reads the GPU during a run.
        tell: is called with a line about each run.
    """
    entries = [Entry(way) for way in ways]
    for repeat in range(repeats):
        for place, entry in enumerate(entries):
            output = folder / "runs" / f"{repeat}-{place}"
            try:
                done = run(entry.way, work, folder, output, meter and meter())
                said = f"{done.trials_an_hour:.0f} trials an hour, {done.steady_trials_an_hour:.0f} steady"
            except WayFailed as error:
                done, entry.failure = None, str(error)
                said = entry.failure
            entry.runs.append(done)
            tell(f"[{repeat + 1}/{repeats}] {entry.way.name}: {said}")
    return [figures(entry, entries[0]) for entry in entries]


def figures(entry: Entry, first: Entry) -> dict[str, Any]:
    """Return the figures of a way; its own settings and its failure alone, where no run succeeded."""
    way, runs = entry.way, [done for done in entry.runs if done is not None]
    about = {
        "way": way.name,
        "at_once": way.at_once,
        "threads": way.threads,
        "precision": way.precision,
        "options": list(way.options),
        "failure": entry.failure,
    }
    if not runs:
        return about
    return {
        **about,
        "first_trial_after_seconds": _median((done.first_after_seconds for done in runs), 1),
        "wall_seconds": _median((done.ended - done.began for done in runs), 1),
        "trials_an_hour": _median((done.trials_an_hour for done in runs), 0),
        "times_the_first_way": _ratio(entry, first, lambda done: done.trials_an_hour),
        "steady_trials_an_hour": _median((done.steady_trials_an_hour for done in runs), 0),
        "steady_times_the_first_way": _ratio(entry, first, lambda done: done.steady_trials_an_hour),
        "best_accuracy_percent": _median((max(_accuracies(done)) for done in runs), 1),
        "mean_accuracy_percent": _median((mean(_accuracies(done)) for done in runs), 1),
        "cpu_busy_percent": _median((done.cpu_busy for done in runs), 0),
        "gpu_busy_percent": _median((mean_utilisation(done.readings, *done.steady) for done in runs), 0),
        "gpu_memory_mib": _median((peak_memory_mib(done.readings) for done in runs), 0),
        **{name: _median((done.own[name] for done in runs), 3) for name in runs[0].own},
        "runs": [_summary(done) for done in runs],
    }


def _ratio(entry: Entry, first: Entry, figure: Callable[[Run], float]) -> float | None:
    """Return the median of a figure over the first way's, of repeats in which both succeeded."""
    pairs = zip(entry.runs, first.runs, strict=True)
    return _median((figure(own) / figure(other) for own, other in pairs if own and other), 2)


def _median(values: Iterable[float | None], places: int) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), places) if known else None


def _accuracies(done: Run) -> list[float]:
    return [100 * trial.accuracy for trial in done.trials]


def _summary(done: Run) -> dict[str, float]:
    began, ended = done.steady
    return {"wall_seconds": round(done.ended - done.began, 1), "steady_seconds": round(ended - began, 1)}
