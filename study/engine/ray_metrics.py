"""The study as metrics of Ray, which a node's metrics port serves and the Grafana dashboard in docs/ draws.

The driver sets them from what it hears of the trials, so a worker needs nothing for it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ray.util.metrics import Gauge

from study.results.finished import primary_score
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.tasks import Score

Row = Mapping[str, Any]
Key = tuple[str, str]  # arm and stage

# Name -> (description, tags beyond study). Prometheus knows them with "ray_" before the name.
METRICS = {
    "finetune_study_trials": ("trials that have ended, by status", ("arm", "stage", "status")),
    "finetune_study_busy_slots": ("slots that run a trial", ("arm", "stage")),
    "finetune_study_slots": ("slots of the study", ()),
    "finetune_study_tokens_per_second": ("tokens a second of the trials in training", ("arm", "stage")),
    "finetune_study_loss": ("the last training loss reported, nats a token", ("arm", "stage")),
    "finetune_study_best_score": ("the best of a finished trial, in its unit", ("arm", "stage")),
}


# Ray forgets a gauge that has not been set for two of its report intervals (10 s each by default).
REPEAT_SECONDS = 1.0


class StudyMetrics(Observer):
    """Sets the metrics, and keeps them. To be entered while Ray runs.

    Args:
        study: the study's name.
        slots: trials that run at once.
        primary: the score of which the best is told.
    """

    def __init__(self, study: str, slots: int, primary: Score):
        self._primary = primary
        self._gauges = {
            name: Gauge(name, description, tag_keys=("study", *tags))
            for name, (description, tags) in METRICS.items()
        }
        for gauge in self._gauges.values():
            gauge.set_default_tags({"study": study})
        self._running: dict[str, Key] = {}
        self._speeds: dict[str, float] = {}
        self._last: dict[str, tuple[int, float]] = {}
        self._counted: set[str] = set()
        self._ended: Counter[tuple[str, str, str]] = Counter()
        self._best: dict[Key, float] = {}
        self._values: dict[tuple[str, tuple[str, ...]], float] = {}
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._repeater = threading.Thread(target=self._repeat, name="study-metrics", daemon=True)
        self._set("finetune_study_slots", slots)

    def __enter__(self) -> StudyMetrics:
        self._repeater.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._closed.set()
        self._repeater.join()

    def started(self, assignment: Assignment) -> None:
        """See `Observer`."""
        self._running[assignment.config.trial_id] = _key(assignment)
        self._set_busy(_key(assignment))

    def progressed(self, assignment: Assignment, progress: Mapping[str, Any]) -> None:
        """See `Observer`."""
        trial, key = assignment.config.trial_id, _key(assignment)
        if "loss" in progress:
            self._set("finetune_study_loss", progress["loss"], *key)
        if "tokens" in progress:
            tokens, seconds = self._last.get(trial, (0, 0.0))
            # Both begin anew with a second phase, and go back when a trial is taken up again.
            if progress["seconds"] > seconds and progress["tokens"] >= tokens:
                self._speeds[trial] = (progress["tokens"] - tokens) / (progress["seconds"] - seconds)
            self._last[trial] = (progress["tokens"], progress["seconds"])
        elif progress.get("phase") != "training":
            self._speeds.pop(trial, None)
        self._set_speed(key)

    def interrupted(self, assignment: Assignment, reason: str) -> None:
        """See `Observer`."""
        self._leave_slot(assignment)

    def finished(self, assignment: Assignment, row: Row) -> None:
        """See `Observer`; also for a trial that an earlier run of the study finished."""
        key = _key(assignment)
        self._leave_slot(assignment)
        if row["trial"] in self._counted:
            return
        self._counted.add(row["trial"])
        self._ended[*key, row["status"]] += 1
        self._set("finetune_study_trials", self._ended[*key, row["status"]], *key, row["status"])
        if row["status"] == "complete" and (score := primary_score(row)) is not None:
            best = [self._best[key]] if key in self._best else []
            self._best[key] = self._primary.best([score, *best])
            self._set("finetune_study_best_score", self._best[key], *key)

    def _leave_slot(self, assignment: Assignment) -> None:
        for known in (self._running, self._speeds, self._last):
            known.pop(assignment.config.trial_id, None)
        self._set_busy(_key(assignment))
        self._set_speed(_key(assignment))

    def _set_busy(self, key: Key) -> None:
        busy = sum(running == key for running in self._running.values())
        self._set("finetune_study_busy_slots", busy, *key)

    def _set_speed(self, key: Key) -> None:
        speed = sum(
            self._speeds.get(trial, 0.0) for trial, running in self._running.items() if running == key
        )
        self._set("finetune_study_tokens_per_second", speed, *key)

    def _set(self, name: str, value: float, *tags: str) -> None:
        with self._lock:
            self._values[name, tags] = value
            self._gauges[name].set(value, tags=dict(zip(METRICS[name][1], tags, strict=True)))

    def _repeat(self) -> None:
        while not self._closed.wait(REPEAT_SECONDS):
            with self._lock:
                for (name, tags), value in list(self._values.items()):
                    self._set(name, value, *tags)


def _key(assignment: Assignment) -> Key:
    return assignment.arm.label, assignment.config.stage
