"""What accuracy costs: the Pareto front, and the best arm under a budget of time, memory or parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from analysis.comparison import ComparisonRow
from analysis.errors import AnalysisError

PARETO_COSTS = ("train_seconds", "peak_memory_bytes", "trainable_parameters")

_FACTORS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_TIMES = {"": 1.0, "S": 1.0, "MIN": 60.0, "H": 3600.0, "D": 86_400.0}


def pareto_front(rows: Sequence[ComparisonRow], cost: str) -> list[ComparisonRow]:
    """Return the trained arms that no other beats in accuracy without a higher mean cost, cheapest first."""
    points = [
        row for row in rows if not row.is_reference and "accuracy" in row.estimates and cost in row.estimates
    ]
    front = [row for row in points if not any(_dominates(other, row, cost) for other in points)]
    return sorted(front, key=lambda row: row.estimates[cost].mean)


def _dominates(other: ComparisonRow, row: ComparisonRow, cost: str) -> bool:
    gain = other.estimates["accuracy"].mean - row.estimates["accuracy"].mean
    saving = row.estimates[cost].mean - other.estimates[cost].mean
    return gain >= 0 and saving >= 0 and (gain > 0 or saving > 0)


def within_budget(row: ComparisonRow, limits: Mapping[str, float]) -> bool:
    """Say whether every confirm trial of an arm kept to every limit; a cost that is unknown did not."""
    for cost, limit in limits.items():
        values = [trial.get(cost) for trial in row.arm.confirm]
        if not values or any(value is None or value > limit for value in values):
            return False
    return True


def parse_amount(text: str) -> float:
    """Return a number with an optional metric suffix and unit: 300k -> 300000, 2.5 GB -> 2.5e9.

    Raises:
        AnalysisError: it is none.
    """
    return _parse(text, r"([KMGT]?)B?", _FACTORS, "300k, 2GB")


def parse_seconds(text: str) -> float:
    """Return seconds from a number with an optional unit: 90, 90s, 15min, 2h.

    Raises:
        AnalysisError: it is no duration.
    """
    return _parse(text, r"(S|MIN|H|D)?", _TIMES, "90, 15min, 2h")


def _parse(text: str, unit: str, factors: Mapping[str, float], examples: str) -> float:
    match = re.fullmatch(rf"\s*(\d+(?:\.\d+)?(?:E[+-]?\d+)?)\s*{unit}\s*", text.upper())
    if match is None:
        raise AnalysisError(f"'{text}' is no limit; examples: {examples}")
    return float(match[1]) * factors[match[2] or ""]
