"""The verdict in words: sentences that a person reads, built from the figures of `analysis.verdict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.comparison import ComparisonRow
from analysis.differences import Difference
from analysis.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from analysis.verdict import Verdict

MOST_SENTENCES = 4
_LIMITS = {
    "train_seconds": lambda limit: f"training of at most {show_seconds(limit)}",
    "peak_memory_bytes": lambda limit: f"at most {show_bytes(limit)} of memory",
    "trainable_parameters": lambda limit: f"at most {show_count(limit)} trainable parameters",
}


def show_p(p: float | None) -> str:
    """Return a p-value as it is written in a sentence."""
    if p is None:
        return "not tested"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def difference_sentence(difference: Difference) -> str:
    """Return one pair in words: A beats B by 4.1 points (95%: 1.9 to 6.3, p = 0.001)."""
    estimate = difference.estimate
    verb = "beats" if difference.is_clear else "can't be told apart from"
    interval = "" if estimate.low is None else f"95%: {estimate.low:.1f} to {estimate.high:.1f}, "
    by = f"by {estimate.mean:.1f} points" if difference.is_clear else f"({estimate.mean:+.1f} points"
    joint = f" ({interval}" if difference.is_clear else f"; {interval}"
    return f"{difference.better} {verb} {difference.worse} {by}{joint}{show_p(difference.p_holm)})"


def verdict_sentences(verdict: Verdict) -> list[str]:
    """Return the verdict: the top, what it beats, and the gain over no training."""
    return [*_top(verdict), *_beaten(verdict), *_gain(verdict)]


def _top(verdict: Verdict) -> list[str]:
    if len(verdict.rows) == 1:
        return [
            f"{_scored(verdict.rows[0])}; it is the only arm with scores, so there is nothing to compare."
        ]
    top = [row for row in verdict.rows if verdict.ranks[row.name].first == 1]
    if len({row.estimates["accuracy"].mean for row in verdict.rows}) == 1:
        return [f"All {len(verdict.rows)} arms are equally right: {_scored(top[0])}."]
    if not any(d.p is not None for d in verdict.differences):
        return [
            f"{_scored(verdict.rows[0])} comes first, but one seed an arm can't say whether that is luck."
        ]
    if len(top) == 1:
        return [f"{_scored(top[0])} is the best of {len(verdict.rows)} arms."]
    scores = [row.estimates["accuracy"].mean for row in top]
    names = join_names(shorten([row.name for row in top]))
    accuracies = f"accuracy {max(scores):.1f} to {min(scores):.1f}%"
    return [f"Nothing separates {names} at the top ({accuracies})."]


def _scored(row: ComparisonRow) -> str:
    estimate = row.estimates["accuracy"]
    if estimate.low is None or estimate.high is None:
        return f"{row.name} (accuracy {estimate.mean:.1f}%)"
    return f"{row.name} (accuracy {estimate.mean:.1f}%, 95%: {estimate.low:.1f} to {estimate.high:.1f})"


def _beaten(verdict: Verdict) -> list[str]:
    clear = [difference for difference in verdict.differences if difference.is_clear]
    first = verdict.rows[0].name
    own = sorted((d for d in clear if d.better == first), key=lambda d: d.estimate.mean)
    rest = [d for d in clear if d.better != first]
    said = own[:MOST_SENTENCES] + (rest if len(rest) <= MOST_SENTENCES else [])
    lines = [f"{difference_sentence(difference)}." for difference in said]
    if len(said) == len(clear):
        return lines
    return [*lines, f"Of all {len(verdict.differences)} pairs {len(clear)} can be told apart."]


def _gain(verdict: Verdict) -> list[str]:
    if verdict.reference is None:
        return []
    above = {d.better for d in verdict.gains if d.is_clear and d.worse == verdict.reference}
    unclear = [row.name for row in verdict.rows if row.name not in above]
    untrained = f"the best row without training ({verdict.reference})"
    if not unclear:
        return [f"Every arm beats {untrained}."]
    return [f"Not shown to beat {untrained}: {join_names(shorten(unclear))}."]


def budget_sentence(verdict: Verdict, kept: Sequence[ComparisonRow], limits: Mapping[str, float]) -> str:
    """Return the best arm among those within the limits, and those that share its place."""
    under = join_names([_LIMITS[cost](limit) for cost, limit in limits.items()])
    if not kept:
        return f"No arm keeps to {under}."
    best = kept[0]
    equal = [row.name for row in kept[1:] if not verdict.pair(best.name, row.name).is_clear]
    tied = f", which can't be told apart from {join_names(shorten(equal))}" if equal else ""
    left_out = [row.name for row in verdict.rows if row not in kept]
    beyond = f" Beyond it: {join_names(left_out)}." if left_out else ""
    return f"Best with {under}: {_scored(best)}{tied}.{beyond}"


def shorten(names: Sequence[str], most: int = 4) -> list[str]:
    """Return the first names, and how many others there are."""
    return list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]


def join_names(names: Sequence[str]) -> str:
    """Return names as a list in words: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
