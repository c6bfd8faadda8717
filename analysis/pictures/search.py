"""The plots of the search and of the training, as data: expected best of n, slices, learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.pictures.figures import Chart, Mark, Series
from analysis.searching.best_of import CAPTION, BestOf, best_of_random, random_trials
from analysis.searching.learning import Curve, learning_curve
from analysis.searching.ranges import is_logarithmic, varied
from analysis.searching.scores import search_score, slices
from analysis.statistics.intervals import Estimate

VALIDATION = "accuracy % (validation)"
MOST_POINTS = 40


def expected_best_chart(comparison: Comparison) -> Chart | None:
    """Return every arm's expected best of n random search trials, with the range that holds 95% of the draws.

    None where no arm has enough of them: `analysis.searching.best_of.too_few_sentence` says so.
    """
    curves = {row.name: best_of_random(row.arm) for row in comparison.searched}
    series = [Series(name, _best_marks(name, curve), is_line=True) for name, curve in curves.items() if curve]
    if not series:
        return None
    stopped = sum(search_score(row) is None for own in comparison.rows for row in random_trials(own.arm))
    pruned = f"\n({stopped} stopped early count as their arm's lowest)" if stopped else ""
    title = f"Expected best of n search trials\n({CAPTION}){pruned}"
    return Chart("expected-best", title, "search trials", VALIDATION, series, show_x=_whole)


def _best_marks(name: str, curve: Sequence[BestOf]) -> list[Mark]:
    return [
        Mark(
            best.trials,
            Estimate(best.expected, best.low, best.high),
            f"{name}: best of {best.trials}: {best.expected:.1f}% "
            f"(95% of draws: {best.low:.1f}–{best.high:.1f})",
        )
        for best in curve
    ]


def slice_charts(comparison: Comparison) -> list[Chart]:
    """Return for every searched number (rank, learning rate, ...) each search trial's score by its value."""
    rows = comparison.searched
    names = dict.fromkeys(name for row in rows for name in varied(row.arm.search))
    return [chart for name in names if (chart := _slice_chart(rows, name)) is not None]


def _slice_chart(rows: Sequence[ComparisonRow], name: str) -> Chart | None:
    points = {row.name: slices(row.arm, name) for row in rows}
    values = [value for own in points.values() for value, _ in own]
    if not values or any(isinstance(value, str) for value in values):
        return None
    label = name.replace("_", " ")
    series = [Series(arm, _slice_marks(arm, label, own)) for arm, own in points.items() if own]
    log = is_logarithmic(name, values, [row.arm for row in rows])
    stopped = _stopped_early(rows)
    title = f"Search trials by {label}{f' ({stopped} stopped early, not shown)' if stopped else ''}"
    identity = f"slice-{name.replace('_', '-')}"
    return Chart(identity, title, label, VALIDATION, series, log_x=log, show_x=_short)


def _slice_marks(arm: str, label: str, points: Sequence[tuple[float, float]]) -> list[Mark]:
    return [
        Mark(value, Estimate(score), f"{arm}: {label} {value:.3g}: {score:.1f}%") for value, score in points
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
    return sum(search_score(trial) is None for row in rows for trial in row.arm.search)


def _whole(value: float) -> str:
    return f"{value:.0f}"


def _short(value: float) -> str:
    return f"{value:.4g}"
