"""The plots as data: what each figure shows, point by point, with nothing about how it is drawn.

Every function is pure. A figure that a study has no data for is absent from `figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from analysis.arms.costs import COMPUTE, WALL, training_times
from analysis.comparison.paper import FIGURE_3, PaperRow
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.budgets import pareto_front
from analysis.judgement.verdicts import Verdict
from analysis.statistics.differences import Difference
from analysis.statistics.intervals import Estimate
from analysis.units import show_bytes, show_count, show_seconds
from analysis.words.numbers import show_cost, show_interval
from analysis.words.phrases import difference_sentence

ACCURACY = "accuracy % (test questions)"


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
    """A figure with two axes. `ticks` names the places of a categorical x; `levels` are horizontal lines."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: list[Series]
    ticks: list[str] = field(default_factory=list)
    levels: list[tuple[str, float]] = field(default_factory=list)
    log_x: bool = False
    show_x: Callable[[float], str] | None = None


@dataclass(frozen=True)
class DifferenceMatrix:
    """Every pair of arms: `cells[i][j]` is arm i minus arm j in points; None on the diagonal."""

    name: str
    title: str
    arms: list[str]
    cells: list[list[Difference | None]]


def accuracy_by_method(comparison: Comparison) -> Chart | None:
    """Return the paper's Figure 2: accuracy by method (and model, where there are several) and variant."""
    models = len({row.arm.factor("model") for row in _trained(comparison)}) > 1

    def place(row: ComparisonRow) -> str:
        model = row.arm.factor("model")
        return f"{row.arm.method}\n{model}" if models and model else row.arm.method

    title = "Accuracy by method and variant"
    return _by_category(comparison, "accuracy-by-method", title, place, _variant, _paper_accuracy)


def accuracy_by_prompt(comparison: Comparison) -> Chart | None:
    """Return the paper's Figure 3: accuracy by prompt style and variant; None for a single prompt style."""
    if len({row.arm.factor("prompt_style") for row in _trained(comparison)}) < 2:
        return None
    methods = len({row.arm.method for row in _trained(comparison)}) > 1

    def series(row: ComparisonRow) -> str:
        return f"{row.arm.method} {_variant(row)}" if methods else _variant(row)

    def place(row: ComparisonRow) -> str:
        return str(row.arm.factor("prompt_style")).replace("_", "\n")

    title = "Accuracy by prompt style and variant"
    return _by_category(comparison, "accuracy-by-prompt", title, place, series, _paper_prompt_accuracy)


def _by_category(
    comparison: Comparison,
    name: str,
    title: str,
    place: Callable[[ComparisonRow], str],
    group: Callable[[ComparisonRow], str],
    paper: Callable[[ComparisonRow], float | None],
) -> Chart | None:
    rows = _trained(comparison)
    if not rows:
        return None
    ticks = list(dict.fromkeys(map(place, rows)))
    groups = list(dict.fromkeys(map(group, rows)))
    series, reported = [], []
    for index, label in enumerate(groups):
        own = [row for row in rows if group(row) == label]
        shifts = _spread(own, place, (index - (len(groups) - 1) / 2) * 0.6 / len(groups))
        places = [ticks.index(place(row)) + shift for row, shift in zip(own, shifts, strict=True)]
        series.append(Series(label, [_accuracy_mark(x, row) for x, row in zip(places, own, strict=True)]))
        reported += [
            Mark(x, Estimate(value), f"the paper, {row.name}: {value:g}%")
            for x, row in zip(places, own, strict=True)
            if (value := paper(row)) is not None
        ]
    if reported:
        series.append(Series("as the paper reports", reported, is_paper=True))
    return Chart(name, title, "", ACCURACY, series, ticks, _levels(comparison))


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


def accuracy_by_rank(comparison: Comparison) -> Chart | None:
    """Return accuracy by LoRA rank; None unless the study compares ranks."""
    rows = [row for row in _trained(comparison) if row.arm.factor("rank") is not None]
    # A rank that was searched differs from arm to arm by chance: only planned ranks are a comparison.
    planned = {row.arm.plan.get("factors", {}).get("rank") for row in rows} - {None}
    if len(planned) < 2:
        return None
    groups: dict[str, list[ComparisonRow]] = {}
    for row in rows:
        groups.setdefault(f"{row.arm.method} {_variant(row)}", []).append(row)
    series = [
        Series(name, [_accuracy_mark(row.arm.factor("rank"), row) for row in _by_rank(own)], is_line=True)
        for name, own in groups.items()
    ]
    levels = _levels(comparison)
    return Chart(
        "accuracy-by-rank",
        "Accuracy by rank",
        "LoRA rank",
        ACCURACY,
        series,
        levels=levels,
        log_x=True,
        show_x=str,
    )


def _by_rank(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    return sorted(rows, key=lambda row: int(row.arm.factor("rank")))


def pareto_charts(comparison: Comparison, verdicts: Sequence[Verdict]) -> list[Chart]:
    """Return accuracy against training time, peak memory and trainable parameters, with the Pareto fronts.

    Training times have no chart where they can't be compared: `time_conflict` says why.
    """
    trained = _trained(comparison)
    times = training_times([row.arm for row in trained])
    unit = "processor time" if times.column == COMPUTE else "wall time"
    charts = [
        _pareto(trained, verdicts, "peak_memory_bytes", "peak memory", show_bytes),
        _pareto(trained, verdicts, "trainable_parameters", "trainable parameters", show_count),
    ]
    if times.conflict is None:
        charts.insert(0, _pareto(trained, verdicts, times.column, f"training, {unit}", show_seconds))
    return [chart for chart in charts if chart is not None]


def time_conflict(comparison: Comparison) -> str | None:
    """Return why accuracy is not drawn against training time; None where it is, or nothing trained."""
    return training_times([row.arm for row in _trained(comparison)]).conflict


def _pareto(
    trained: Sequence[ComparisonRow],
    verdicts: Sequence[Verdict],
    cost: str,
    label: str,
    show: Callable[[float], str],
) -> Chart | None:
    rows = [row for row in trained if cost in row.costs]
    if not rows:
        return None
    clear = {(d.better, d.worse) for verdict in verdicts for d in verdict.differences if d.is_clear}
    front = pareto_front(rows, cost, lambda first, second: (first, second) in clear)

    def mark(row: ComparisonRow) -> Mark:
        text = f"{_accuracy_text(row)}; {label} {show_cost(row.costs[cost], show)}"
        return Mark(row.costs[cost].median, row.estimates["accuracy"], text)

    series = [Series(row.name, [mark(row)]) for row in rows]
    series.append(Series("on the Pareto front", [mark(row) for row in front], is_front=True))
    values = [row.costs[cost].median for row in rows]
    wide = min(values) > 0 and max(values) / min(values) > 8
    title = f"Accuracy against {label}\n(ringed: can't be told apart from better arms at their price)"
    name = "pareto-training-time" if cost in (COMPUTE, WALL) else f"pareto-{cost.replace('_', '-')}"
    return Chart(name, title, label, ACCURACY, series, log_x=wide, show_x=show)


def difference_matrix(verdict: Verdict) -> DifferenceMatrix | None:
    """Return the matrix of paired differences, best arm first; None for a single arm."""
    names = [row.name for row in verdict.rows]
    if len(names) < 2:
        return None
    cells = [[None if a == b else verdict.pair(a, b) for b in names] for a in names]
    return DifferenceMatrix("differences", "Row minus column, points of accuracy", names, cells)


def cell_text(difference: Difference) -> str:
    """Return what hovering over a cell of the matrix says."""
    return ("" if difference.is_planned else "exploratory: ") + difference_sentence(difference)


def _trained(comparison: Comparison) -> list[ComparisonRow]:
    return [row for row in comparison.trained if "accuracy" in row.estimates]


def _variant(row: ComparisonRow) -> str:
    return str(row.arm.factor("variant") or "all variants")


def _accuracy_mark(x: float, row: ComparisonRow) -> Mark:
    return Mark(x, row.estimates["accuracy"], _accuracy_text(row))


def _accuracy_text(row: ComparisonRow) -> str:
    return f"{row.name}: accuracy {show_interval(row.estimates['accuracy'])}%"


def _levels(comparison: Comparison) -> list[tuple[str, float]]:
    """The best zero-shot row and the best floor: a line for every one of them would hide the arms."""
    rows = [row for row in comparison.rows if row.is_reference and "accuracy" in row.estimates]
    rows.sort(key=lambda row: -row.estimates["accuracy"].mean)
    kinds = ([row for row in rows if not row.arm.is_floor], [row for row in rows if row.arm.is_floor])
    return [(own[0].name, own[0].estimates["accuracy"].mean) for own in kinds if own]


def _paper_accuracy(row: ComparisonRow) -> float | None:
    return row.paper.accuracy if isinstance(row.paper, PaperRow) else None


def _paper_prompt_accuracy(row: ComparisonRow) -> float | None:
    if row.arm.method != "lora" or not any(trial.get("profile") == "paper" for trial in row.arm.confirm):
        return None
    return FIGURE_3.get((str(row.arm.factor("prompt_style")), _variant(row)))
