"""The plots of the search and of the training, as data: expected best of n, slices, learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.pictures.figures import Chart, Mark, Series, starts_at_zero
from analysis.reading.tasks import Score
from analysis.searching.best_of import BestOf, best_of_random, caption, random_trials
from analysis.searching.learning import Curve, learning_curve
from analysis.searching.ranges import is_logarithmic, varied
from analysis.searching.scores import slices
from analysis.searching.spending import PRUNED
from analysis.statistics.intervals import Estimate
from analysis.units import Measure

MOST_POINTS = 40


def expected_best_chart(comparison: Comparison) -> Chart | None:
    """Return every arm's expected best of n random search trials, with the range that holds 95% of the draws.

    None where no arm has enough of them: `analysis.searching.best_of.too_few_sentence` says so.
    """
    curves = {row.name: best_of_random(row.arm) for row in comparison.searched}
    measure = comparison.task.primary.measure
    series = [
        Series(name, _best_marks(name, curve, measure), is_line=True)
        for name, curve in curves.items()
        if curve
    ]
    if not series:
        return None
    stopped = sum(row.get("status") == PRUNED for own in comparison.rows for row in random_trials(own.arm))
    worst = "highest" if measure.lower_is_better else "lowest"
    pruned = f"\n({stopped} stopped early count as their arm's {worst})" if stopped else ""
    title = f"Expected best of n search trials\n({caption(comparison.task.primary)}){pruned}"
    return Chart(
        "expected-best",
        title,
        "search trials",
        _validation(measure),
        series,
        show_x=_whole,
        from_zero=starts_at_zero(comparison.task.primary),
    )


def _validation(measure: Measure) -> str:
    return f"{measure.heading} (validation{'; less is better' if measure.lower_is_better else ''})"


def _best_marks(name: str, curve: Sequence[BestOf], measure: Measure) -> list[Mark]:
    return [
        Mark(
            best.trials,
            Estimate(best.expected, best.low, best.high),
            f"{name}: best of {best.trials}: {measure.show(best.expected)} (95% of draws: {low}–{high})",
        )
        for best in curve
        for low, high in [measure.write(best.low, best.high)]
    ]


def slice_charts(comparison: Comparison) -> list[Chart]:
    """Return for every searched number (rank, learning rate, ...) each search trial's score by its value."""
    rows, primary = comparison.searched, comparison.task.primary
    names = dict.fromkeys(name for row in rows for name in varied(row.arm.search))
    return [chart for name in names if (chart := _slice_chart(rows, name, primary)) is not None]


def _slice_chart(rows: Sequence[ComparisonRow], name: str, primary: Score) -> Chart | None:
    points = {row.name: slices(row.arm, name) for row in rows}
    values = [value for own in points.values() for value, _ in own]
    if not values or any(isinstance(value, str) for value in values):
        return None
    label = name.replace("_", " ")
    measure = primary.measure
    series = [Series(arm, _slice_marks(arm, label, own, measure)) for arm, own in points.items() if own]
    log = is_logarithmic(name, values, [row.arm for row in rows])
    stopped = _stopped_early(rows)
    title = f"Search trials by {label}{f' ({stopped} stopped early, not shown)' if stopped else ''}"
    identity = f"slice-{name.replace('_', '-')}"
    return Chart(
        identity,
        title,
        label,
        _validation(measure),
        series,
        log_x=log,
        show_x=_short,
        from_zero=starts_at_zero(primary),
    )


def _slice_marks(arm: str, label: str, points: Sequence[tuple[float, float]], measure: Measure) -> list[Mark]:
    return [
        Mark(value, Estimate(score), f"{arm}: {label} {value:.3g}: {measure.show(score)}")
        for value, score in points
    ]


def learning_charts(comparison: Comparison) -> list[Chart]:
    """Return the learning curves of the confirm trials: training loss and validation loss by step."""
    charts = []
    for loss, title in (("loss", "Training loss"), ("validation_loss", "Validation loss")):
        curves = [
            (row.name, curve)
            for row in comparison.trained
            if (curve := learning_curve(row.arm, loss)) is not None
        ]
        series = [Series(name, _curve_marks(name, curve), is_line=True) for name, curve in curves]
        if series:
            name = f"learning-{loss.replace('_', '-')}"
            charts.append(Chart(name, title, "optimizer step", "nats a token", series, show_x=_whole))
    return charts


def _curve_marks(name: str, curve: Curve) -> list[Mark]:
    # A picture shows no more; the last step is kept.
    every = math.ceil(len(curve.steps) / MOST_POINTS)
    pairs = list(zip(curve.steps, curve.losses, strict=True))
    kept = pairs[::-1][::every][::-1]
    return [Mark(step, loss, f"{name}: step {step}: {loss.mean:.3f} nats a token") for step, loss in kept]


def _stopped_early(rows: Sequence[ComparisonRow]) -> int:
    return sum(trial.get("status") == PRUNED for row in rows for trial in row.arm.search)


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _short(value: float) -> str:
    return f"{value:.4g}"
