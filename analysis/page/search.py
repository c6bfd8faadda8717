"""The page's section on the searches: what each chose, what they cost, what mattered."""

from __future__ import annotations

from analysis.comparison.rows import Comparison
from analysis.layout.choices import CAPTION, choice_headers, choice_rows
from analysis.layout.spending import HEADERS, spending_rows
from analysis.page.elements import leading_number, paragraphs, scrolling_table, to_cell
from analysis.searching.choices import find_choices, overstatement
from analysis.searching.importance import importance_lines
from analysis.searching.spending import saving_sentence, spending, total_spending


def search_section(comparison: Comparison) -> str:
    """Return the section on the searches."""
    begun = [row for row in comparison.trained if row.arm.search or row.arm.confirm or row.arm.unfinished]
    spent = [spending(row.arm, row.name) for row in begun]
    table = "\n".join(f"<tr>{''.join(map(to_cell, cells))}</tr>" for cells in spending_rows(spent))
    saved = saving_sentence(total_spending(spent).saving)
    lines = importance_lines([row.arm for row in comparison.searched])
    chosen = _choices(comparison)
    said = comparison.task.primary.measure.name
    share = f"Share of the validation {said}'s variance that each hyperparameter explains (fANOVA):"
    heading = f"<h3>What mattered</h3><p>{share}</p>"
    importances = heading + paragraphs(lines, "note") if lines else ""
    return (
        chosen
        + "<h3>Cost by arm</h3>"
        + scrolling_table(HEADERS, table)
        + (paragraphs([saved]) if saved else "")
        + importances
    )


def _choices(comparison: Comparison) -> str:
    """Return the table of what every replicate chose, and how far validation promised too much."""
    arms = [row.arm for row in comparison.trained]
    rows = choice_rows(arms, [row.name for row in comparison.trained])
    if not rows:
        return ""
    cells = "\n".join(
        f"<tr>{''.join(to_cell(cell, leading_number(cell)) for cell in own)}</tr>" for own in rows
    )
    said = overstatement([choice for arm in arms for choice in find_choices(arm)])
    table = scrolling_table(choice_headers(arms), cells, "sortable")
    heading = "<h3>What each search chose</h3>"
    return heading + table + (paragraphs([said]) if said else "") + paragraphs([CAPTION], "note")
