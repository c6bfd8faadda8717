"""Estimates and costs as people read them: 25.3 (21.0–29.9), 33 s (13 s–4.1 min)."""

from __future__ import annotations

from collections.abc import Callable

from analysis.arms.costs import Cost
from analysis.statistics.intervals import Estimate
from analysis.units import MISSING, Measure


def show_interval(estimate: Estimate | None, digits: int = 1) -> str:
    """Return a mean and its 95% interval: 25.3 (21.0–29.9); the mean alone where there is no interval."""
    if estimate is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.{digits}f}"
    return f"{estimate.mean:.{digits}f} ({estimate.low:.{digits}f}–{estimate.high:.{digits}f})"


def show_scored(estimate: Estimate | None, measure: Measure) -> str:
    """Return the same of a score, with the digits of its measure and without its unit."""
    if estimate is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return measure.write(estimate.mean)[0]
    mean, low, high = measure.write(estimate.mean, estimate.low, estimate.high)
    # A dash between two figures is no minus.
    return (
        f"{mean} ({low} to {high})"
        if low.startswith("-") or high.startswith("-")
        else f"{mean} ({low}–{high})"
    )


def show_mean(estimate: Estimate | None, digits: int = 1) -> str:
    """Return a mean without its interval."""
    return MISSING if estimate is None else f"{estimate.mean:.{digits}f}"


def show_cost(cost: Cost | None, show: Callable[[float], str]) -> str:
    """Return a cost's median and its range over the repeats: 33 s (13 s–4.1 min); one where all are alike."""
    if cost is None:
        return MISSING
    low, high = show(cost.low), show(cost.high)
    return show(cost.median) if low == high else f"{show(cost.median)} ({low}–{high})"
