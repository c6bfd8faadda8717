"""The table of the expected best of n search trials."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.arms.arm import Arm
from analysis.searching.best_of import best_of_random
from analysis.units import MISSING


def best_table(arms: Sequence[Arm], names: Sequence[str]) -> Table | None:
    """Return the table of the expected best of 1, 2, 4, ... trials (on validation), if there is any."""
    curves = {name: best_of_random(arm) for arm, name in zip(arms, names, strict=True)}
    most = max(map(len, curves.values()))
    if not most:
        return None
    counts = sorted({n for n in (1, 2, 4, 8, 16, 32, 64, 128, most) if n <= most})
    measure = arms[0].task.primary.measure
    title = f"expected best of n trials, validation {measure.heading}"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("arm", overflow="fold")
    for n in counts:
        table.add_column(f"n = {n}", justify="right")
    for name, curve in curves.items():
        expected = {best.trials: best.expected for best in curve}
        cells = [measure.write(expected[n])[0] if n in expected else MISSING for n in counts]
        table.add_row(Text(name), *cells)
    return table
