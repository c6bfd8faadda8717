"""The comparison as tables in a terminal: scores, costs, and the paper's numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from analysis.comparison import Comparison, ComparisonRow
from analysis.units import MISSING, show_bytes, show_count, show_interval, show_mean, show_seconds

Cell = Callable[[ComparisonRow], str]


def show_seeds(row: ComparisonRow) -> str:
    """Return finished/planned seeds, and what went wrong: 2/3 1!"""
    planned = "" if row.planned is None else f"/{row.planned}"
    failed = sum(row.unfinished.values())
    return f"{row.seeds}{planned}{f' {failed}!' if failed else ''}"


def _mean(metric: str, digits: int = 1) -> Cell:
    return lambda row: show_mean(row.estimates.get(metric), digits)


# In documents and the report alone: a terminal is narrow.
PUBLISHED_COLUMNS: dict[str, Cell] = {
    "lm-eval strict": _mean("accuracy_lm_eval_strict"),
    "lm-eval flexible": _mean("accuracy_lm_eval_flexible"),
}


def _cost(metric: str, show: Callable[[float], str]) -> Cell:
    def cell(row: ComparisonRow) -> str:
        estimate = row.estimates.get(metric)
        if estimate is None:
            return MISSING
        if estimate.high is None or estimate.high == estimate.mean:
            return show(estimate.mean)
        return f"{show(estimate.mean)} ±{show(estimate.high - estimate.mean)}"

    return cell


def _perplexity(several_scales: bool) -> Cell:
    def cell(row: ComparisonRow) -> str:
        estimate = row.estimates.get("perplexity")
        letter = f" {row.perplexity_scale}" if several_scales and estimate else ""
        return show_mean(estimate, 3 if estimate and estimate.mean < 1000 else 0) + letter

    return cell


def score_columns(comparison: Comparison) -> dict[str, Cell]:
    """Return the columns of the table of scores: header -> what it shows."""
    several = len({row.perplexity_scale for row in comparison.rows if "perplexity" in row.estimates}) > 1
    return {
        "seeds": show_seeds,
        "accuracy % (95%)": lambda row: show_interval(row.estimates.get("accuracy")),
        "strict": _mean("accuracy_strict"),
        "lenient": _mean("accuracy_lenient"),
        "answd": _mean("answered"),
        "R-1": _mean("rouge1", 2),
        "perpl.": _perplexity(several),
        "simil.": _mean("similarity"),
    }


COST_COLUMNS: dict[str, Cell] = {
    "trainable": _cost("trainable_parameters", show_count),
    "train": _cost("train_seconds", show_seconds),
    "evaluate": _cost("evaluation_seconds", show_seconds),
    "peak memory": _cost("peak_memory_bytes", show_bytes),
    "to ship": _cost("model_bytes", show_bytes),
}

PAPER_COLUMNS: dict[str, Cell] = {
    "paper accuracy %": lambda row: _paper(row, "accuracy"),
    "here": _mean("accuracy"),
    "difference": lambda row: _paper_difference(row, "accuracy", 1),
    "perplexity": lambda row: _paper_difference(row, "perplexity", 2),
    "ROUGE-1": lambda row: _paper_difference(row, "rouge1", 2),
    "similarity": lambda row: _paper_difference(row, "similarity", 1),
}


def _paper(row: ComparisonRow, metric: str) -> str:
    value = getattr(row.paper, metric, None)
    return MISSING if value is None else f"{value:g}"


def _paper_difference(row: ComparisonRow, metric: str, digits: int) -> str:
    value, estimate = getattr(row.paper, metric, None), row.estimates.get(metric)
    return MISSING if value is None or estimate is None else f"{estimate.mean - value:+.{digits}f}"


def render(comparison: Comparison) -> RenderableType:
    """Return the comparison for `rich.print`: scores, costs, the paper beside them, and the notes."""
    trained = [row for row in comparison.rows if not row.is_reference]
    parts: list[RenderableType] = [_Fitting(comparison.rows, score_columns(comparison))]
    if trained:
        parts.append(_Fitting(trained, COST_COLUMNS))
    if repeated := [row for row in trained if row.paper]:
        parts.append(_Fitting(repeated, PAPER_COLUMNS))
    parts += [Text(line, style="dim") for line in [legend(comparison), *comparison.notes]]
    return Group(*parts)


def legend(comparison: Comparison) -> str:
    """Return the sentence that explains the columns."""
    questions = sorted({row.questions for row in comparison.rows if row.questions})
    counted = f"{' or '.join(map(str, questions))} test questions; " if questions else ""
    return (
        f"{counted}means over seeds, 95% intervals over seeds and questions (reference rows: questions "
        "alone), of costs over seeds. "
        "lenient and R-1 (ROUGE-1) reward copying: they rank nothing. N!: N trials did not complete."
    )


@dataclass(frozen=True)
class _Fitting:
    """A table, or where the terminal is too narrow for it two with half of the columns each.

    Left to itself, rich would leave out columns without a word.
    """

    rows: list[ComparisonRow]
    columns: dict[str, Cell]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = _table(self.rows, self.columns)
        needed = Measurement.get(console, options.update(max_width=1000), table).minimum
        if needed <= options.max_width or len(self.columns) == 1:
            yield table
            return
        cells = list(self.columns.items())
        half = (len(cells) + 1) // 2
        yield _Fitting(self.rows, dict(cells[:half]))
        yield _Fitting(self.rows, dict(cells[half:]))


def _table(rows: list[ComparisonRow], columns: dict[str, Cell]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("arm", overflow="fold", min_width=12)
    for header, cell in columns.items():
        # rich takes a column's longest word for its least width, wrapped or not.
        width = max(cell_len(text) for text in (header, *map(cell, rows)))
        table.add_column(header, justify="right", no_wrap=True, min_width=width)
    for index, row in enumerate(rows):
        ends_arms = not row.is_reference and index + 1 < len(rows) and rows[index + 1].is_reference
        # Text, not markup: a label in brackets is shown and not obeyed.
        cells = [Text(row.name), *(Text(cell(row)) for cell in columns.values())]
        table.add_row(*cells, end_section=ends_arms)
    return table
