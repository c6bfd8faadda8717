"""The plots as data: what each figure shows, point by point, with nothing about how it is drawn.

Every function is pure. A figure that a study has no data for is absent from `figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.comparison.paper import FIGURE_3, PaperRow
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.verdicts import Verdict
from analysis.reading.tasks import Score
from analysis.statistics.differences import POINTS, Difference
from analysis.statistics.intervals import Estimate
from analysis.units import Measure
from analysis.words.numbers import show_scored
from analysis.words.phrases import difference_sentence


@dataclass(frozen=True)
class Mark:
    """One point: where it is, its interval if it has one, and what hovering over it says."""

    x: float
    y: Estimate
    text: str


@dataclass(frozen=True)
class Series:
    """Points that belong together. `is_front` rings points of others; `is_paper`: what the paper reports."""

    name: str
    marks: list[Mark]
    is_line: bool = False
    is_front: bool = False
    is_paper: bool = False


@dataclass(frozen=True)
class Chart:
    """A figure with two axes. `ticks` names the places of a categorical x; `levels` are horizontal lines.

    `from_zero`: the y axis begins at 0; `y_measure` writes the figure of a level.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: list[Series]
    ticks: list[str] = field(default_factory=list)
    levels: list[tuple[str, float]] = field(default_factory=list)
    log_x: bool = False
    show_x: Callable[[float], str] | None = None
    from_zero: bool = False
    y_measure: Measure = POINTS


@dataclass(frozen=True)
class DifferenceMatrix:
    """Every pair of arms: `cells[i][j]` is arm i minus arm j in their score's unit; None on the diagonal."""

    name: str
    title: str
    arms: list[str]
    cells: list[list[Difference | None]]
    measure: Measure = POINTS


def score_by_method(comparison: Comparison) -> Chart | None:
    """Return the paper's Figure 2: the primary score by method (and model, if several) and variant."""
    models = len({row.arm.factor("model") for row in trained_rows(comparison)}) > 1

    def place(row: ComparisonRow) -> str:
        model = row.arm.factor("model")
        return f"{row.arm.method}\n{model}" if models and model else row.arm.method

    return _by_category(comparison, "method", place, _variant, _paper_accuracy)


def score_by_prompt(comparison: Comparison) -> Chart | None:
    """Return the paper's Figure 3: the primary score by prompt style and variant; None for a single style."""
    if len({row.arm.factor("prompt_style") for row in trained_rows(comparison)}) < 2:
        return None
    methods = len({row.arm.method for row in trained_rows(comparison)}) > 1

    def series(row: ComparisonRow) -> str:
        return f"{row.arm.method} {_variant(row)}" if methods else _variant(row)

    def place(row: ComparisonRow) -> str:
        return str(row.arm.factor("prompt_style")).replace("_", "\n")

    return _by_category(comparison, "prompt style", place, series, _paper_prompt_accuracy)


def _by_category(
    comparison: Comparison,
    what: str,
    place: Callable[[ComparisonRow], str],
    group: Callable[[ComparisonRow], str],
    paper: Callable[[ComparisonRow], float | None],
) -> Chart | None:
    rows = trained_rows(comparison)
    if not rows:
        return None
    ticks = list(dict.fromkeys(map(place, rows)))
    groups = list(dict.fromkeys(map(group, rows)))
    series, reported = [], []
    for index, label in enumerate(groups):
        own = [row for row in rows if group(row) == label]
        shifts = _spread(own, place, (index - (len(groups) - 1) / 2) * 0.6 / len(groups))
        places = [ticks.index(place(row)) + shift for row, shift in zip(own, shifts, strict=True)]
        series.append(Series(label, [_score_mark(x, row) for x, row in zip(places, own, strict=True)]))
        reported += [
            Mark(x, Estimate(value), f"the paper, {row.name}: {value:g}%")
            for x, row in zip(places, own, strict=True)
            if (value := paper(row)) is not None
        ]
    if reported:
        series.append(Series("as the paper reports", reported, is_paper=True))
    title = f"{score_title(comparison)} by {what} and variant"
    name = f"{_file_name(comparison)}-by-{what.split()[0]}"
    return Chart(name, title, "", score_label(comparison), series, ticks, **score_axis(comparison))


def score_title(comparison: Comparison) -> str:
    """Return the primary score's name, as a title begins with it."""
    said = comparison.task.primary.measure.name
    return said[:1].upper() + said[1:]


def _file_name(comparison: Comparison) -> str:
    return comparison.task.primary.name.replace("_", "-")


def score_label(comparison: Comparison) -> str:
    """Return the label of an axis of the primary score."""
    measure = comparison.task.primary.measure
    return f"{measure.heading} (test questions{'; less is better' if measure.lower_is_better else ''})"


def score_axis(comparison: Comparison) -> dict[str, Any]:
    """Return how a chart shows the primary score: the rows without training as lines, and from where."""
    primary = comparison.task.primary
    zero = starts_at_zero(primary)
    return {"levels": _levels(comparison), "from_zero": zero, "y_measure": primary.measure}


def starts_at_zero(score: Score) -> bool:
    """Say whether an axis of a score begins at 0: where the score does."""
    return score.low == 0


def _spread(
    rows: Sequence[ComparisonRow], place: Callable[[ComparisonRow], str], shift: float
) -> list[float]:
    # Arms that share a place (another rank, another prompt) stand side by side.
    seen: dict[str, int] = {}
    shifts = []
    for row in rows:
        count = seen[place(row)] = seen.get(place(row), -1) + 1
        shifts.append(shift + 0.06 * count)
    return shifts


def score_by_rank(comparison: Comparison) -> Chart | None:
    """Return the primary score by LoRA rank; None unless the study compares ranks."""
    rows = [row for row in trained_rows(comparison) if row.arm.factor("rank") is not None]
    # A rank that was searched differs from arm to arm by chance: only planned ranks are a comparison.
    planned = {row.arm.plan.get("factors", {}).get("rank") for row in rows} - {None}
    if len(planned) < 2:
        return None
    groups: dict[str, list[ComparisonRow]] = {}
    for row in rows:
        groups.setdefault(f"{row.arm.method} {_variant(row)}", []).append(row)
    series = [
        Series(name, [_score_mark(row.arm.factor("rank"), row) for row in _by_rank(own)], is_line=True)
        for name, own in groups.items()
    ]
    return Chart(
        f"{_file_name(comparison)}-by-rank",
        f"{score_title(comparison)} by rank",
        "LoRA rank",
        score_label(comparison),
        series,
        log_x=True,
        show_x=str,
        **score_axis(comparison),
    )


def _by_rank(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    return sorted(rows, key=lambda row: int(row.arm.factor("rank")))


def difference_matrix(verdict: Verdict) -> DifferenceMatrix | None:
    """Return the matrix of paired differences, best arm first; None for a single arm."""
    names = [row.name for row in verdict.rows]
    if len(names) < 2:
        return None
    cells = [[None if a == b else verdict.pair(a, b) for b in names] for a in names]
    measure = verdict.task.primary.measure
    what = f"points of {measure.name}" if measure.unit == "%" else measure.heading
    return DifferenceMatrix("differences", f"Row minus column, {what}", names, cells, measure)


def cell_text(difference: Difference) -> str:
    """Return what hovering over a cell of the matrix says."""
    return ("" if difference.is_planned else "exploratory: ") + difference_sentence(difference)


def trained_rows(comparison: Comparison) -> list[ComparisonRow]:
    """Return the trained arms that have the primary score."""
    return [row for row in comparison.trained if row.primary is not None]


def _variant(row: ComparisonRow) -> str:
    return str(row.arm.factor("variant") or "all variants")


def _score_mark(x: float, row: ComparisonRow) -> Mark:
    return Mark(x, score_of(row), score_text(row))


def score_of(row: ComparisonRow) -> Estimate:
    """Return the primary score of a row that has one."""
    assert row.primary is not None
    return row.primary


def score_text(row: ComparisonRow) -> str:
    """Return what hovering over a row's mark says of its primary score."""
    measure = row.task.primary.measure
    return f"{row.name}: {measure.name} {show_scored(row.primary, measure)}{measure.suffix}"


def _levels(comparison: Comparison) -> list[tuple[str, float]]:
    """The best row of prompting, the rival, the best floor: a line for each one would hide the arms."""
    rows = [row for row in comparison.rows if row.is_reference and row.primary is not None]
    rows.sort(key=lambda row: -row.merit)
    floors, rivals = [row for row in rows if row.arm.is_floor], [row for row in rows if row.arm.is_rival]
    prompted = [row for row in rows if row not in floors and row not in rivals]
    return [(own[0].name, score_of(own[0]).mean) for own in (prompted, rivals, floors) if own]


def _paper_accuracy(row: ComparisonRow) -> float | None:
    return row.paper.accuracy if isinstance(row.paper, PaperRow) else None


def _paper_prompt_accuracy(row: ComparisonRow) -> float | None:
    if (
        not row.task.is_math
        or row.arm.method != "lora"
        or not any(trial.get("profile") == "paper" for trial in row.arm.confirm)
    ):
        return None
    return FIGURE_3.get((str(row.arm.factor("prompt_style")), _variant(row)))
