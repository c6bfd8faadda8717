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

from analysis.arms.costs import COMPUTE, WALL
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.layout.choices import chosen_columns, show_chosen
from analysis.reading.tasks import Score
from analysis.searching.choices import find_choices
from analysis.units import MISSING, show_bytes, show_count, show_seconds
from analysis.words.numbers import show_cost, show_mean, show_scored
from analysis.words.scores import score_legend

Cell = Callable[[ComparisonRow], str]


def show_repeats(row: ComparisonRow) -> str:
    """Return finished/planned repeats, and what went wrong: 2/3 1!"""
    planned = "" if row.planned is None else f"/{row.planned}"
    failed = sum(row.unfinished.values())
    return f"{row.repeats}{planned}{f' {failed}!' if failed else ''}"


def _mean(metric: str, digits: int = 1) -> Cell:
    return lambda row: show_mean(row.estimates.get(metric), digits)


def _score(score: Score) -> Cell:
    def cell(row: ComparisonRow) -> str:
        estimate = row.estimates.get(score.name)
        return MISSING if estimate is None else score.measure.write(estimate.mean)[0]

    return cell


def wide_columns(comparison: Comparison) -> dict[str, Cell]:
    """Return the scores that stand in documents and the report alone: a terminal is narrow."""
    return {score.header: _score(score) for score in comparison.task.others if not score.in_terminal}


def _cost(metric: str, show: Callable[[float], str]) -> Cell:
    return lambda row: show_cost(row.costs.get(metric), show)


def _perplexity(several_scales: bool) -> Cell:
    def cell(row: ComparisonRow) -> str:
        estimate = row.estimates.get("perplexity")
        letter = f" {row.perplexity_scale}" if several_scales and estimate else ""
        return show_mean(estimate, 3 if estimate and estimate.mean < 1000 else 0) + letter

    return cell


def name_repeats(comparison: Comparison) -> str:
    """Return what the scores of the trained arms vary over: replicates, seeds, or (some each) repeats."""
    units = {row.unit for row in comparison.trained}
    return f"{units.pop()}s" if len(units) == 1 else "repeats"


def score_columns(comparison: Comparison) -> dict[str, Cell]:
    """Return the columns of the table of scores: header -> what it shows."""
    several = len({row.perplexity_scale for row in comparison.rows if "perplexity" in row.estimates}) > 1
    task = comparison.task
    measure = task.primary.measure
    return {
        name_repeats(comparison): show_repeats,
        f"{measure.heading} (95%)": lambda row: show_scored(row.primary, measure),
        **{score.header: _score(score) for score in task.others if score.in_terminal},
        **(_BESIDE_MATH if task.is_math else _beside(comparison)),
        "perpl.": _perplexity(several),
        **({"simil.": _mean("similarity")} if task.is_math else _similarity(comparison)),
    }


_BESIDE_MATH: dict[str, Cell] = {"answd": _mean("answered"), "R-1": _mean("rouge1", 2)}


def _beside(comparison: Comparison) -> dict[str, Cell]:
    return {"answered %": _mean("answered")} if _has(comparison, "answered") else {}


def _similarity(comparison: Comparison) -> dict[str, Cell]:
    return {"simil. %": _mean("similarity")} if _has(comparison, "similarity") else {}


def _has(comparison: Comparison, metric: str) -> bool:
    """Say whether a figure beside the scores was measured of any row."""
    named = {score.name for score in comparison.task.scores}
    return metric not in named and any(metric in row.estimates for row in comparison.rows)


def shown_metrics(comparison: Comparison) -> dict[str, str]:
    """Return which metric a column of scores shows: header -> metric."""
    task = comparison.task
    return {
        f"{task.primary.measure.heading} (95%)": task.primary.name,
        **{score.header: score.name for score in task.others},
        **{"answd": "answered", "answered %": "answered", "R-1": "rouge1", "perpl.": "perplexity"},
        **{"simil.": "similarity", "simil. %": "similarity"},
    }


# Header -> the cost that it shows, and how.
_COSTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "trainable": ("trainable_parameters", show_count),
    "train": (COMPUTE, show_seconds),
    "wall": (WALL, show_seconds),
    "train (wall)": (WALL, show_seconds),
    "evaluate": ("evaluation_seconds", show_seconds),
    "peak memory": ("peak_memory_bytes", show_bytes),
    "to ship": ("model_bytes", show_bytes),
}
COST_NAMES = {header: cost for header, (cost, _) in _COSTS.items()}


def cost_columns(comparison: Comparison) -> dict[str, Cell]:
    """Return the columns of the table of costs: what was chosen, and what that costs.

    Without compute seconds of all arms, wall time stands alone.
    """
    left_out = ("train (wall)",) if _has_compute(comparison) else ("train", "wall")
    costs = {header: _cost(*shown) for header, shown in _COSTS.items() if header not in left_out}
    return {**_chosen_columns(comparison), **costs}


def _chosen_columns(comparison: Comparison) -> dict[str, Cell]:
    arms = [row.arm for row in comparison.trained]
    return {header: _chosen(name) for name, header in chosen_columns(arms).items()}


def _chosen(name: str) -> Cell:
    return lambda row: show_chosen(find_choices(row.arm), name)


def _has_compute(comparison: Comparison) -> bool:
    trained = [row for row in comparison.rows if WALL in row.costs]
    return bool(trained) and all(row.times.column == COMPUTE for row in trained)


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
    trained = comparison.trained
    parts: list[RenderableType] = [_Fitting(comparison.rows, score_columns(comparison))]
    if trained:
        parts.append(_Fitting(trained, cost_columns(comparison)))
    if repeated := [row for row in trained if row.paper]:
        parts.append(_Fitting(repeated, PAPER_COLUMNS))
    parts += [Text(line, style="dim") for line in [legend(comparison), *comparison.notes]]
    return Group(*parts)


def legend(comparison: Comparison) -> str:
    """Return the sentences that explain the columns."""
    questions = sorted({row.questions for row in comparison.rows if row.questions})
    counted = f"{' or '.join(map(str, questions))} test questions; " if questions else ""
    repeats = name_repeats(comparison)
    return (
        f"{counted}means over {repeats}, 95% intervals over {repeats} and questions (reference rows: "
        f"questions alone). {score_legend(comparison.task)} N!: N trials did not "
        "complete. "
        f"{cost_legend(comparison)}"
    )


def cost_legend(comparison: Comparison) -> str:
    """Return the sentences that explain the columns of costs."""
    wall = "wall time, which grows with what else ran"
    time = (
        f"train: processor seconds (on a GPU wall time times the share of it); wall: {wall}"
        if _has_compute(comparison)
        else f"train (wall): {wall}, for not all of these trials measured processor time"
    )
    chosen = _chosen_columns(comparison)
    choices = f"{' and '.join(chosen)}: as the searches chose them (least–most). " if chosen else ""
    return (
        f"{choices}Costs: median of the repeats (least–most). {time}. trainable, peak memory and to ship are "
        "those of the chosen hyperparameters: another rank has others."
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
