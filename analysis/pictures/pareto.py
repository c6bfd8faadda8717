"""The primary score against what it costs, as data: the Pareto fronts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analysis.arms.costs import COMPUTE, WALL, training_times
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.budgets import pareto_front
from analysis.judgement.verdicts import Verdict
from analysis.pictures.figures import (
    Chart,
    Mark,
    Series,
    score_axis,
    score_label,
    score_of,
    score_text,
    score_title,
    trained_rows,
)
from analysis.units import show_bytes, show_count, show_seconds
from analysis.words.numbers import show_cost


def pareto_charts(comparison: Comparison, verdicts: Sequence[Verdict]) -> list[Chart]:
    """Return the primary score against training time, memory and parameters, with the Pareto fronts.

    Training times have no chart where they can't be compared: `time_conflict` says why.
    """
    trained = trained_rows(comparison)
    times = training_times([row.arm for row in trained])
    unit = "processor time" if times.column == COMPUTE else "wall time"
    charts = [
        _pareto(comparison, verdicts, "peak_memory_bytes", "peak memory", show_bytes),
        _pareto(comparison, verdicts, "trainable_parameters", "trainable parameters", show_count),
    ]
    if times.conflict is None:
        charts.insert(0, _pareto(comparison, verdicts, times.column, f"training, {unit}", show_seconds))
    return [chart for chart in charts if chart is not None]


def time_conflict(comparison: Comparison) -> str | None:
    """Return why no score is drawn against training time; None where one is, or nothing trained."""
    return training_times([row.arm for row in trained_rows(comparison)]).conflict


def _pareto(
    comparison: Comparison,
    verdicts: Sequence[Verdict],
    cost: str,
    label: str,
    show: Callable[[float], str],
) -> Chart | None:
    rows = [row for row in trained_rows(comparison) if cost in row.costs]
    if not rows:
        return None
    clear = {(d.better, d.worse) for verdict in verdicts for d in verdict.differences if d.is_clear}
    front = pareto_front(rows, cost, lambda first, second: (first, second) in clear)

    def mark(row: ComparisonRow) -> Mark:
        text = f"{score_text(row)}; {label} {show_cost(row.costs[cost], show)}"
        return Mark(row.costs[cost].median, score_of(row), text)

    series = [Series(row.name, [mark(row)]) for row in rows]
    series.append(Series("on the Pareto front", [mark(row) for row in front], is_front=True))
    values = [row.costs[cost].median for row in rows]
    wide = min(values) > 0 and max(values) / min(values) > 8
    ringed = "(ringed: can't be told apart from better arms at their price)"
    title = f"{score_title(comparison)} against {label}\n{ringed}"
    name = "pareto-training-time" if cost in (COMPUTE, WALL) else f"pareto-{cost.replace('_', '-')}"
    axis = {**score_axis(comparison), "levels": []}
    return Chart(name, title, label, score_label(comparison), series, log_x=wide, show_x=show, **axis)
