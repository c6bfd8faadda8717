"""The table of what each arm cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.counts import count_each, count_of
from analysis.searching.spending import Saving, Spending, total_spending
from analysis.units import MISSING, show_seconds

HEADERS = ("arm", "trials", "search", "confirm", "saved by stopping early")


def spending_rows(spent: Sequence[Spending]) -> list[list[str]]:
    """Return the cells of the table of costs: a row an arm, and one for all where there are several."""
    rows = [*spent, total_spending(spent)] if len(spent) > 1 else list(spent)
    return [_cells(row) for row in rows]


def _cells(arm: Spending) -> list[str]:
    costs = [show_seconds(arm.search_seconds), show_seconds(arm.confirm_seconds)]
    return [arm.name, count_each(arm.ends) or MISSING, *costs, _show_saving(arm.saving)]


def _show_saving(saved: Saving) -> str:
    if not saved.trials:
        return MISSING
    trials = count_of(saved.trials, "trial")
    return f"{trials}, {saved.steps:,} steps, ~{show_seconds(saved.seconds)}" if saved.steps else trials


def spending_table(spent: Sequence[Spending]) -> Table:
    """Return the table of costs by arm."""
    table = Table(title="cost by arm, wall time", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column(HEADERS[0], overflow="fold")
    for header in HEADERS[1:]:
        table.add_column(header, justify="right", overflow="fold")
    for cells in spending_rows(spent):
        table.add_row(*map(Text, cells), end_section=cells[0] == spent[-1].name)
    return table
