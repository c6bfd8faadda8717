"""What an arm costs: one figure a repeat, of the training itself and not of the scoring of its model.

A repeat is a confirm trial. Where it scores the model of a search trial (`trained_by`), the search trial's
row has what the training took. Compute seconds are those of the processor (on a GPU wall time times the
share of it): they depend less than wall time on what else ran. Another machine or another load still
changes them, so times are compared under equal conditions only.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.arms.arm import Arm
from analysis.reading.folders import Row

COMPUTE, WALL = "train_compute_seconds", "train_seconds"
COUNTED = ("trainable_parameters", "model_bytes")
OF_TRAINING = (*COUNTED, COMPUTE, WALL, "peak_memory_bytes")
OF_SCORING = ("evaluation_seconds",)
# What has to be equal for training times to be compared: column -> its name for people.
CONDITIONS = {
    "source_machine": "machine",
    "source_device": "device",
    "source_threads": "threads",
    "source_gpu_share": "share of a GPU",
    "source_slots": "trials at a time",
}


@dataclass(frozen=True)
class Cost:
    """A cost's values over the repeats of an arm, one at least, in ascending order.

    `is_counted`: they follow from the configuration (parameters, bytes to ship), and were not measured.
    """

    values: tuple[float, ...]
    is_counted: bool = False

    @property
    def median(self) -> float:
        """The middle one: a repeat that was slowed down by others does not move it.

        What is counted has the lower of two middle ones: between two ranks there is no model.
        """
        return (statistics.median_low if self.is_counted else statistics.median)(self.values)

    @property
    def low(self) -> float:
        """The least."""
        return self.values[0]

    @property
    def high(self) -> float:
        """The most."""
        return self.values[-1]


@dataclass(frozen=True)
class TrainingTimes:
    """How the training times of arms that are compared can be read.

    Attributes:
        column: `train_compute_seconds` where every training has them, else `train_seconds`.
        conflict: a sentence on what differs between the conditions of the trainings, so that their times
            can't be compared; None where nothing does.
    """

    column: str = WALL
    conflict: str | None = None


def training_rows(arm: Arm) -> list[Row]:
    """Return for each complete confirm trial the row that has its training's costs and history."""
    search = {row["trial"]: row for row in arm.search}
    return [_training_row(row, search) for row in arm.confirm]


def _training_row(row: Row, search: dict[Any, Row]) -> Row:
    if (trained_by := row.get("trained_by")) is None:
        return row
    # Without the row of the training, the memory at hand is that of scoring, which is another figure.
    return search.get(trained_by) or {**row, "peak_memory_bytes": None}


def find_costs(arm: Arm) -> dict[str, Cost]:
    """Return the costs of an arm that were measured."""
    trained = training_rows(arm)
    values = {name: [row.get(name) for row in trained] for name in OF_TRAINING}
    values |= {name: [row.get(name) for row in arm.confirm] for name in OF_SCORING}
    known = {name: sorted(value for value in found if value is not None) for name, found in values.items()}
    return {name: Cost(tuple(map(float, own)), name in COUNTED) for name, own in known.items() if own}


def training_times(arms: Sequence[Arm]) -> TrainingTimes:
    """Return how the training times of `arms` can be read together; arms without training don't matter."""
    rows = [row for arm in arms if not arm.is_reference for row in training_rows(arm)]
    column = COMPUTE if rows and all(row.get(COMPUTE) is not None for row in rows) else WALL
    # What is unknown of some is not taken to be what it is of the others.
    found = {name: {_show(row.get(column)) for row in rows} for column, name in CONDITIONS.items()}
    different = [f"{name}: {' or '.join(sorted(own))}" for name, own in found.items() if len(own) > 1]
    if not different:
        return TrainingTimes(column)
    return TrainingTimes(
        column, f"Training times can't be compared: the trials trained differently ({'; '.join(different)})."
    )


def _show(value: Any) -> str:
    return "unknown" if value is None else str(value)
