"""Every pair of arms as a table in the terminal: difference, interval, and the p-values."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.statistics.differences import ALPHA, Difference
from analysis.units import MISSING, Measure

LEGEND = (
    "p: t-test over repeats and questions, decides after Holm's correction over what was "
    "asked for together (bold: clear); exploratory: nobody asked before the study ran"
)


def pair_headers(measure: Measure) -> list[str]:
    """Return the headers of the table of pairs: where less is better, the better one is taken off."""
    sides = "worse - better" if measure.lower_is_better else "better - worse"
    return [sides, "asked", measure.difference_heading, "95%", "p (Holm)", "p"]


def pair_legend(measure: Measure) -> str:
    """Return what the table's figures are, without a full stop."""
    what = f"Points of {measure.name}" if measure.unit == "%" else f"Differences in {measure.heading}"
    return f"{what}; {LEGEND}"


def name_pair(difference: Difference) -> str:
    """Return a pair as a subtraction whose result is its difference."""
    sides = [difference.better, difference.worse]
    return " - ".join(sides[::-1] if difference.measure.lower_is_better else sides)


def pair_cells(difference: Difference) -> list[str]:
    """Return a pair's figures as people read them, in the order of `pair_headers`, without its name."""
    low, high = difference.estimate.low, difference.estimate.high
    level = "" if difference.level == 1 - ALPHA else f"{100 * difference.level:g}%: "
    ends = [] if low is None or high is None else [low, high]
    mean, *bounds = difference.measure.write(difference.estimate.mean, *ends, signed=True)
    interval = f"{level}{bounds[0]} to {bounds[1]}" if bounds else MISSING
    asked = "planned" if difference.is_planned else "exploratory"
    tests = (difference.p_holm, difference.p)
    return [asked, mean, interval, *map(show_probability, tests)]


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
    """Return the table of pairs, one at least, clear ones in bold; beyond `most` the clearest.

    Differences are of the primary score; p is of the t-test over repeats and questions, and decides
    after Holm's correction.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    measure = differences[0].measure
    first, *others = pair_headers(measure)
    table.add_column(first, overflow="fold", min_width=16)
    for header in others:
        table.add_column(header, justify="right", no_wrap=True)
    kept, left_out = limit_pairs(differences, most)
    for difference in kept:
        style = "bold" if difference.is_clear else ""
        cells = [name_pair(difference), *pair_cells(difference)]
        table.add_row(*(Text(cell) for cell in cells), style=style)
    table.caption = f"{left_out}{pair_legend(measure)}"
    table.caption_justify = "left"
    return table
