"""The page's section on labels: what each arm took for what, and the figures of every label."""

from __future__ import annotations

import html
from collections.abc import Sequence

from analysis.comparison.labels import Confusion, LabelFigures, confuse
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.counts import count_of
from analysis.page.elements import paragraphs, scrolling_table, to_cell
from analysis.units import MISSING

_LONGEST = 40
MOST_FIGURES = 200
NO_LABEL = "no label"


def labels_section(comparison: Comparison) -> str:
    """Return the section; nothing where answers are no labels."""
    found = [(row, confusion) for row in comparison.trained if (confusion := confuse(row)) is not None]
    if not found:
        return ""
    parts = [_arm(row, confusion) for row, confusion in found]
    return f'\n<section id="labels">\n<h2>Labels</h2>\n{"".join(parts)}</section>'


def _arm(row: ComparisonRow, confusion: Confusion) -> str:
    trials = count_of(confusion.trials, "trial")
    note = (
        f"Rows: the reference; columns: the answers to its questions over {trials}, and their share of the "
        f"row. {NO_LABEL}: outputs that are none."
    )
    if confusion.others:
        note += f" The {confusion.others} rarest labels stand together."
    named = "Precision, recall and F1 in %, means over the trials; support: questions with the label."
    if (more := len(confusion.figures) - MOST_FIGURES) > 0:
        named += f" {count_of(more, 'label')} more left out: those with the fewest questions."
    return (
        f"<h3>{html.escape(row.name)}</h3>\n{_matrix(confusion)}{paragraphs([note], 'note')}\n"
        f"{_figures(confusion.figures)}{paragraphs([named], 'note')}\n"
    )


def _matrix(confusion: Confusion) -> str:
    rows = "\n".join(
        f"<tr>{name_cell(label)}{_counts(own, place)}</tr>"
        for place, (label, own) in enumerate(zip(confusion.labels, confusion.counts, strict=True))
    )
    headers = ["reference", *map(short_label, confusion.labels), NO_LABEL, "questions"]
    return scrolling_table(headers, rows, "confusion")


def _counts(counts: Sequence[int], right: int) -> str:
    total = sum(counts)
    cells = []
    for place, count in enumerate(counts):
        share = count / total if total else 0.0
        kind = "right" if place == right else "wrong"
        text = f"{count} ({share:.0%})" if count else "0"
        cells.append(f'<td class="{kind}" style="--share: {share:.3f}">{text}</td>')
    return f"{''.join(cells)}<td>{total}</td>"


def _figures(figures: Sequence[LabelFigures]) -> str:
    kept = sorted(figures, key=lambda own: -own.support)[:MOST_FIGURES]
    shown = [own for own in figures if own in kept] if len(kept) < len(figures) else figures
    rows = "\n".join(
        f"<tr>{name_cell(own.label)}"
        + "".join(to_cell(_percent(value), value) for value in (own.precision, own.recall, own.f1))
        + f"{to_cell(str(own.support), own.support)}</tr>"
        for own in shown
    )
    return scrolling_table(["label", "precision %", "recall %", "F1 %", "support"], rows, "sortable figures")


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1f}"


def name_cell(label: str) -> str:
    """Return the cell of a label or a group: short, and whole where the pointer is on it."""
    text = short_label(label)
    title = f' title="{html.escape(label)}"' if text != label else ""
    return f'<td data-value="{html.escape(text)}"{title}><bdi>{html.escape(text)}</bdi></td>'


def short_label(label: str) -> str:
    """Return a label as a table has room for it; an empty one says so."""
    text = " ".join(label.split())
    if not text:
        return "(empty)"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
