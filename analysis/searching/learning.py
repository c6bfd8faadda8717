"""Learning curves: the loss by step, averaged over the trainings whose models were scored on test."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from analysis.arms.arm import Arm
from analysis.arms.costs import training_rows
from analysis.reading.folders import Row
from analysis.statistics.intervals import Estimate, seed_interval


@dataclass(frozen=True)
class Curve:
    """A loss (nats a token) by optimizer step, each a mean over `repeats` trainings with its 95% interval."""

    steps: list[int]
    losses: list[Estimate]
    repeats: int


def learning_curve(arm: Arm, loss: str = "loss") -> Curve | None:
    """Return an arm's curve of `loss` or `validation_loss`; None where its history has none.

    A step counts where every training with a history logged it: a mean over fewer would jump.
    """
    by_step: dict[int, list[float]] = defaultdict(list)
    repeats = 0
    for row in training_rows(arm):
        points = _history(arm, row, loss)
        repeats += bool(points)
        for step, value in points.items():
            by_step[step].append(value)
    steps = sorted(step for step, values in by_step.items() if len(values) == repeats)
    return Curve(steps, [seed_interval(by_step[step]) for step in steps], repeats) if steps else None


def _history(arm: Arm, row: Row, loss: str) -> dict[int, float]:
    if not arm.study_of(row).has("history", row["trial"]):
        return {}
    table = arm.study_of(row).read("history", row["trial"], ["phase", "step", loss])
    if table is None:
        return {}
    rows = [
        (row["phase"] or 1, row["step"], row[loss]) for row in table.to_pylist() if row["step"] is not None
    ]
    # A second phase counts its own steps: its curve goes on where the first one ended.
    first = max((step for phase, step, _ in rows if phase == 1), default=0)
    return {step + (first if phase > 1 else 0): value for phase, step, value in rows if value is not None}
