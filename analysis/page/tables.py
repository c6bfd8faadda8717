"""The page's tables of scores and of pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.verdicts import Verdict
from analysis.layout.pairs import limit_pairs, name_pair, pair_cells, pair_headers, pair_legend
from analysis.layout.terminal import (
    COST_NAMES,
    PAPER_COLUMNS,
    cost_columns,
    legend,
    score_columns,
    shown_metrics,
    wide_columns,
)
from analysis.page.elements import leading_number, paragraphs, scrolling_table, to_cell
from analysis.statistics.differences import Difference, Ranks
from analysis.words.numbers import show_interval

MOST_PAIRS = 500


def scores_section(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    """Return the table of every row's place, scores and costs, with its notes."""
    ranks = {name: rank for verdict in verdicts for name, rank in verdict.ranks.items()}
    columns = {**score_columns(comparison), **wide_columns(comparison), **cost_columns(comparison)}
    if any(row.paper for row in comparison.rows):
        columns |= {f"paper: {name}": cell for name, cell in PAPER_COLUMNS.items() if name != "here"}
    headers = ["arm", "place", *columns]
    metrics = shown_metrics(comparison)
    rows = "\n".join(_table_row(row, ranks.get(row.name), columns, metrics) for row in comparison.rows)
    notes = [
        "place: the ranks that an arm may have; those of arms that can't be told apart overlap. "
        + legend(comparison),
        *comparison.notes,
    ]
    return scrolling_table(headers, rows, "sortable") + paragraphs(notes, "note")


def _table_row(
    row: ComparisonRow,
    rank: Ranks | None,
    columns: dict[str, Callable[[ComparisonRow], str]],
    metrics: Mapping[str, str],
) -> str:
    cells = [
        to_cell(row.name, row.name),
        to_cell("" if rank is None else str(rank), rank.first if rank else None),
    ]
    for header, show in columns.items():
        cells.append(_figure_cell(row, header, show(row), metrics.get(header)))
    kind = "reference" if row.is_reference else "best" if rank and rank.first == 1 else "arm"
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _figure_cell(row: ComparisonRow, header: str, text: str, metric: str | None) -> str:
    """Return a cell that is sorted by its unrounded figure, and says it where the pointer is on it."""
    if metric is not None and (estimate := row.estimates.get(metric)) is not None:
        return to_cell(text, estimate.mean, f"{row.name}, {metric}: {show_interval(estimate, 3)}")
    if (cost := row.costs.get(COST_NAMES.get(header, ""))) is not None:
        exact = f"{cost.median:,.6g} ({cost.low:,.6g}–{cost.high:,.6g})"
        return to_cell(text, cost.median, f"{row.name}, {COST_NAMES[header]}: {exact}")
    return to_cell(text, leading_number(text))


def pairs_section(verdicts: Sequence[Verdict]) -> str:
    """Return the table of pairs, main effects and gains; beyond `MOST_PAIRS` the clearest."""
    differences = [
        d
        for verdict in verdicts
        for d in (*verdict.effects, *verdict.differences, *verdict.gains, *verdict.rivals)
    ]
    if not differences:
        return "<p>There is no pair to compare.</p>"
    measure = differences[0].measure
    kept, left_out = limit_pairs(differences, MOST_PAIRS)
    rows = "\n".join(map(_pair_row, kept))
    note = paragraphs([f"{left_out}{pair_legend(measure)}."], "note")
    return scrolling_table(pair_headers(measure), rows, "sortable") + note


def _pair_row(difference: Difference) -> str:
    name = name_pair(difference)
    cells = [
        to_cell(name, name),
        *(to_cell(text, leading_number(text.lstrip("<"))) for text in pair_cells(difference)),
    ]
    return f'<tr class="{"clear" if difference.is_clear else ""}">{"".join(cells)}</tr>'
