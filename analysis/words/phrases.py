"""Parts of sentences: names in a list, a score, a p-value, a difference."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.comparison.rows import ComparisonRow
from analysis.statistics.differences import Difference
from analysis.statistics.intervals import Estimate
from analysis.units import Measure


def show_p(p: float | None) -> str:
    """Return a p-value as it is written in a sentence."""
    if p is None:
        return "not tested"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def scored(row: ComparisonRow) -> str:
    """Return an arm with its primary score: lora (accuracy 41.2%, 95%: 38.0 to 44.4)."""
    return f"{row.name} ({row.task.primary.measure.name} {show_score(row)})"


def show_score(row: ComparisonRow) -> str:
    """Return an arm's primary score and its interval, if it has one, as they stand in a sentence."""
    assert row.primary is not None
    return show_estimate(row.primary, row.task.primary.measure)


def show_estimate(estimate: Estimate, measure: Measure) -> str:
    """Return a figure with its interval, if it has one, as they stand in a sentence."""
    if estimate.low is None or estimate.high is None:
        return measure.show(estimate.mean)
    mean, low, high = measure.write(estimate.mean, estimate.low, estimate.high)
    return f"{mean}{measure.suffix}, 95%: {low} to {high}"


def difference_sentence(difference: Difference) -> str:
    """Return one difference in words: A beats B by 4.1 points (95%: 1.9 to 6.3, p = 0.001)."""
    measure = difference.measure
    mean, interval = _write(difference)
    sure = f"{interval}{show_p(difference.p_holm)}"
    if difference.is_clear:
        said = f"beats {difference.worse} by {mean}{measure.difference_suffix} ({sure})"
    else:
        said = f"can't be told apart from {difference.worse} ({mean}{measure.difference_suffix}; {sure})"
    over = f", averaged over {join_names(shorten(difference.over))}" if difference.over else ""
    return f"{difference.better} {said}{over}"


def _write(difference: Difference) -> tuple[str, str]:
    """Return a difference and its interval: by how much one is better, or the two figures' difference."""
    estimate, measure = difference.estimate, difference.measure
    sign = 1 if difference.is_clear else measure.sign
    ends = [] if estimate.low is None or estimate.high is None else [estimate.low, estimate.high]
    mean, *bounds = measure.write(sign * estimate.mean, *sorted(sign * end for end in ends))
    shown = mean if difference.is_clear else f"{'' if mean.startswith('-') else '+'}{mean}"
    return shown, f"{100 * difference.level:g}%: {bounds[0]} to {bounds[1]}, " if bounds else ""


def shorten(names: Sequence[str], most: int = 4) -> list[str]:
    """Return the first names, and how many others there are."""
    return list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]


def join_names(names: Sequence[str], last: str = "and") -> str:
    """Return names as a list in words: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def count_range(counts: Sequence[int]) -> str:
    """Return counts in words: 5, or 3 to 5."""
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
