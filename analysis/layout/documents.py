"""The comparison as Markdown, LaTeX, HTML and CSV: the figures of the terminal's tables in one wide table.

CSV carries unrounded means and bounds, for programs; the others carry what people read.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Sequence

from analysis.arms.costs import OF_SCORING, OF_TRAINING
from analysis.cells import plain_cell
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.layout.terminal import (
    PAPER_COLUMNS,
    cost_columns,
    legend,
    score_columns,
    wide_columns,
)
from analysis.reading.tasks import Task
from analysis.searching.choices import find_choices
from analysis.searching.ranges import searched_by

COSTS = (*OF_TRAINING, *OF_SCORING)


def grid(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Return the headers and the cells of the wide table, as people read them."""
    columns = {
        "arm": lambda row: row.name,
        **score_columns(comparison),
        **wide_columns(comparison),
        **cost_columns(comparison),
    }
    if any(row.paper for row in comparison.rows):
        columns |= _paper_columns()
    cells = [[cell(row) for cell in columns.values()] for row in comparison.rows]
    return list(columns), cells


def _paper_columns() -> dict[str, Callable[..., str]]:
    """Name the differences after what they are differences of; the terminal's table says it in its title."""
    names = {"paper accuracy %": "paper accuracy %", "difference": "accuracy - paper"}
    kept = {name: cell for name, cell in PAPER_COLUMNS.items() if name != "here"}
    return {names.get(name, f"{name} - paper"): cell for name, cell in kept.items()}


def to_markdown(comparison: Comparison) -> str:
    """Return a Markdown table with its notes."""
    headers, rows = grid(comparison)
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    table = "\n".join("| " + " | ".join(map(_escape_markdown, line)) + " |" for line in lines)
    return "\n\n".join([table, *map(_escape_markdown, _notes(comparison))]) + "\n"


def to_latex(comparison: Comparison) -> str:
    """Return a LaTeX tabular (package booktabs) with its notes."""
    headers, rows = grid(comparison)
    trained = len(comparison.trained)
    lines = [" & ".join(map(_escape_latex, line)) + r" \\" for line in rows]
    if 0 < trained < len(lines):
        lines.insert(trained, r"\midrule")
    head = " & ".join(map(_escape_latex, headers)) + r" \\"
    body = [r"\toprule", head, r"\midrule", *lines, r"\bottomrule"]
    notes = "\n\n".join(map(_escape_latex, _notes(comparison)))
    tabular = "\n".join([rf"\begin{{tabular}}{{l{'r' * (len(headers) - 1)}}}", *body, r"\end{tabular}"])
    return f"{tabular}\n\n{notes}\n"


def to_html(comparison: Comparison) -> str:
    """Return an HTML table (an element, not a page) with its notes."""
    headers, rows = grid(comparison)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in headers)
    body = "".join(
        f'<tr class="{"reference" if row.is_reference else "arm"}">'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>\n"
        for row, cells in zip(comparison.rows, rows, strict=True)
    )
    notes = "".join(f"<p>{html.escape(note)}</p>\n" for note in _notes(comparison))
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n{notes}"


def to_csv(comparison: Comparison) -> str:
    """Return CSV with unrounded figures: seconds, bytes, % (ROUGE-1: 0-1), other scores in their units.

    What is empty was not measured.

    Scores are means with 95% intervals, costs medians with the least and the most of the repeats. A text that
    a spreadsheet would run as a formula begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    task = comparison.task
    metrics = metrics_of(task)
    bounds = [f"{metric}{suffix}" for metric in (*metrics, *COSTS) for suffix in ("", "_low", "_high")]
    chosen = searched_by([row.arm for row in comparison.trained])
    facts = ["arm", "study", "method", "unit", "repeats", "planned", "confirm_trials", "not_completed"]
    facts += ["questions", "question_set"]
    papers = ["paper_accuracy"] if task.is_math else []
    ends = ["perplexity_scale", *papers, *(f"chosen_{name}" for name in chosen)]
    writer.writerow(map(plain_cell, [*facts, *bounds, *ends]))
    for row in comparison.rows:
        counts = [row.unit, row.repeats, row.planned, row.trials, sum(row.unfinished.values())]
        counts += [row.questions, row.question_set]
        names = [row.name, row.arm.study.name, row.arm.method]
        paper = [row.paper.accuracy if row.paper else None] if papers else []
        cells = [*names, *counts, *_figures(row, metrics), row.perplexity_scale, *paper]
        cells += _chosen(row, chosen)
        writer.writerow(map(plain_cell, cells))
    return text.getvalue()


def metrics_of(task: Task) -> list[str]:
    """Return the metrics of a task's CSV: the primary score, the others, and what is measured besides."""
    beside = ["answered", *task.means[:-1], "perplexity", *task.means[-1:]]
    named = [task.primary.name, *(score.name for score in task.others)]
    return list(dict.fromkeys([*named, *beside]))


def _figures(row: ComparisonRow, metrics: Sequence[str]) -> list[float | None]:
    estimates = [row.estimates.get(metric) for metric in metrics]
    costs = [row.costs.get(cost) for cost in COSTS]
    found = [(e.mean, e.low, e.high) if e else (None, None, None) for e in estimates]
    found += [(cost.median, cost.low, cost.high) if cost else (None, None, None) for cost in costs]
    return [figure for figures in found for figure in figures]


def _chosen(row: ComparisonRow, names: Sequence[str]) -> list[str]:
    """Return for each hyperparameter the values that the replicates chose, in their order: 8;32;8."""
    chosen = [choice.hyperparameters for choice in find_choices(row.arm)]
    values = [[own.get(name) for own in chosen] for name in names]
    return [";".join("" if value is None else str(value) for value in own) for own in values]


def _notes(comparison: Comparison) -> list[str]:
    return [legend(comparison), *comparison.notes]


def _escape_markdown(text: str) -> str:
    for sign in ("\\", "|", "<", "*", "_", "`", "["):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
}


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(sign) or (f"\\{sign}" if sign in "&%$#_{}" else sign) for sign in text)


WRITERS: dict[str, Callable[[Comparison], str]] = {
    "markdown": to_markdown,
    "latex": to_latex,
    "html": to_html,
    "csv": to_csv,
}

SUFFIXES = {".md": "markdown", ".tex": "latex", ".html": "html", ".csv": "csv"}
