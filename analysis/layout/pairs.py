"""Every pair of arms as a table in the terminal: difference, interval, and the p-values."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.statistics.differences import ALPHA, Difference
from analysis.units import MISSING

COLUMNS = ("asked", "points", "95%", "p (Holm)", "p")
LEGEND = (
    "Points of accuracy; p: t-test over repeats and questions, decides after Holm's correction over what was "
    "asked for together (bold: clear); exploratory: nobody asked before the study ran"
)


def pair_cells(difference: Difference) -> list[str]:
    """Return a pair's figures as people read them, in the order of `COLUMNS`."""
    low, high = difference.estimate.low, difference.estimate.high
    level = "" if difference.level == 1 - ALPHA else f"{100 * difference.level:g}%: "
    interval = MISSING if low is None or high is None else f"{level}{low:+.1f} to {high:+.1f}"
    asked = "planned" if difference.is_planned else "exploratory"
    tests = (difference.p_holm, difference.p)
    return [asked, f"{difference.estimate.mean:+.1f}", interval, *map(show_probability, tests)]


def show_probability(p: float | None) -> str:
    """Return a p-value for a cell."""
    return MISSING if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def limit_pairs(differences: Sequence[Difference], most: int) -> tuple[list[Difference], str]:
    """Return at most `most` pairs, the largest p-values last, and a sentence that counts those left out."""
    if len(differences) <= most:
        return list(differences), ""
    kept = sorted(differences, key=lambda d: (d.p_holm is None, d.p_holm or 0.0, -d.estimate.mean))[:most]
    return kept, f"The {most} clearest of {len(differences)} pairs. "


def pair_table(differences: Sequence[Difference], most: int = 40) -> Table:
    """Return the table of pairs, clear ones in bold; beyond `most` the clearest.

    Points are of accuracy, better minus worse; p is of the t-test over repeats and questions, and decides
    after Holm's correction.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("better - worse", overflow="fold", min_width=16)
    for header in COLUMNS:
        table.add_column(header, justify="right", no_wrap=True)
    kept, left_out = limit_pairs(differences, most)
    for difference in kept:
        style = "bold" if difference.is_clear else ""
        cells = [f"{difference.better} - {difference.worse}", *pair_cells(difference)]
        table.add_row(*(Text(cell) for cell in cells), style=style)
    table.caption = f"{left_out}{LEGEND}"
    table.caption_justify = "left"
    return table
