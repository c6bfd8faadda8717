"""Who is told how the trials of a study go: the display, optuna.db, the metrics, the trackers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from study.search.assignment import Assignment


class Observer:
    """Is told of every trial by `study.engine`, in the driver; each method does nothing by itself.

    Attributes:
        asks_for: columns that it wants of the row of a trial that has run, besides those that a resume goes
            by (`study.results.finished.RESUMED_COLUMNS`).
    """

    asks_for: Sequence[str] = ()

    def started(self, assignment: Assignment) -> None:
        """A trial was given a slot."""

    def progressed(self, assignment: Assignment, progress: Mapping[str, Any]) -> None:
        """A trial reported its phase, and its step and loss while it trains."""

    def interrupted(self, assignment: Assignment, reason: str) -> None:
        """A trial lost its process; it will be given a slot again, and goes on from any checkpoint."""

    def finished(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        """A trial's row has been written."""
