"""What each arm cost: trials by how they ended, hours, and what early stopping saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.arms import Arm
from analysis.folders import Row
from analysis.units import MISSING, show_seconds


@dataclass(frozen=True)
class Spending:
    """An arm's cost.

    Attributes:
        ends: status -> trials, search and confirm together.
        search_seconds: wall time of its search trials; `confirm_seconds` of its completed confirm trials.
        saved_seconds: training that early stopping left undone, at each stopped trial's own pace; None
            where no trial was stopped early.
    """

    name: str
    ends: Mapping[str, int]
    search_seconds: float
    confirm_seconds: float
    saved_seconds: float | None


def spending(arm: Arm, name: str) -> Spending:
    """Return what an arm cost."""
    rows = [*arm.search, *arm.confirm]
    ends = Counter(str(row.get("status")) for row in rows) + arm.unfinished
    stopped = [seconds for row in rows if (seconds := saved_seconds(row)) is not None]
    saved = sum(stopped) if stopped else None
    return Spending(name, dict(ends), _seconds(arm.search), _seconds(arm.confirm), saved)


def saved_seconds(row: Row) -> float | None:
    """Return the training seconds that stopping a trial early saved; None where it wasn't, or is unknown."""
    taken, budget, seconds = row.get("train_steps"), row.get("max_steps"), row.get("train_seconds")
    if row.get("status") != "pruned" or not taken or not budget or seconds is None:
        return None
    return float(seconds) * max(budget / taken - 1, 0.0)


def _seconds(rows: Sequence[Row]) -> float:
    return float(sum(row.get("busy_seconds") or 0.0 for row in rows))


def spending_table(spent: Sequence[Spending]) -> Table:
    """Return the table of costs by arm."""
    table = Table(title="cost by arm", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("arm", overflow="fold")
    for header in ("trials", "search", "confirm", "saved by stopping early"):
        table.add_column(header, justify="right", overflow="fold")
    for arm in spent:
        table.add_row(*map(Text, spending_cells(arm)))
    return table


def spending_cells(arm: Spending) -> list[str]:
    """Return an arm's costs as people read them: name, trials by end, search, confirm, saved."""
    ends = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(arm.ends.items()))
    saved = MISSING if arm.saved_seconds is None else show_seconds(arm.saved_seconds)
    return [
        arm.name,
        ends or MISSING,
        show_seconds(arm.search_seconds),
        show_seconds(arm.confirm_seconds),
        saved,
    ]
