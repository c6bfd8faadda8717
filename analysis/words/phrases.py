"""Parts of sentences: names in a list, a score, a p-value, a difference."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.comparison.rows import ComparisonRow
from analysis.statistics.differences import Difference


def show_p(p: float | None) -> str:
    """Return a p-value as it is written in a sentence."""
    if p is None:
        return "not tested"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def scored(row: ComparisonRow) -> str:
    """Return an arm with its accuracy: lora (accuracy 41.2%, 95%: 38.0 to 44.4)."""
    return f"{row.name} (accuracy {show_accuracy(row)})"


def show_accuracy(row: ComparisonRow) -> str:
    """Return an arm's accuracy and its interval, if it has one, as they stand in a sentence."""
    estimate = row.estimates["accuracy"]
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.1f}%"
    return f"{estimate.mean:.1f}%, 95%: {estimate.low:.1f} to {estimate.high:.1f}"


def difference_sentence(difference: Difference) -> str:
    """Return one difference in words: A beats B by 4.1 points (95%: 1.9 to 6.3, p = 0.001)."""
    estimate = difference.estimate
    interval = (
        ""
        if estimate.low is None
        else f"{100 * difference.level:g}%: {estimate.low:.1f} to {estimate.high:.1f}, "
    )
    sure = f"{interval}{show_p(difference.p_holm)}"
    if difference.is_clear:
        said = f"beats {difference.worse} by {estimate.mean:.1f} points ({sure})"
    else:
        said = f"can't be told apart from {difference.worse} ({estimate.mean:+.1f} points; {sure})"
    over = f", averaged over {join_names(shorten(difference.over))}" if difference.over else ""
    return f"{difference.better} {said}{over}"


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
