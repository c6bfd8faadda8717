"""What a score costs: the Pareto front, and the arms that keep to a budget of time, memory or parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from analysis.arms.costs import WALL
from analysis.comparison.rows import ComparisonRow
from analysis.errors import AnalysisError

_FACTORS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_TIMES = {"": 1.0, "S": 1.0, "MIN": 60.0, "H": 3600.0, "D": 86_400.0}


def pareto_front(
    rows: Sequence[ComparisonRow], cost: str, is_clearly_better: Callable[[str, str], bool]
) -> list[ComparisonRow]:
    """Return the trained arms that no other beats clearly without costing more, cheapest first.

    Bare means decide nothing: an arm that is not clearly beaten may be the better one.

    Args:
        rows: the arms; those without scores, or without the cost, have no place.
        cost: a cost; its median over the repeats counts.
        is_clearly_better: whether one arm (by its name) can be told to be better than another.
    """
    points = [row for row in rows if not row.is_reference and row.primary is not None and cost in row.costs]

    def is_beaten(row: ComparisonRow) -> bool:
        return any(
            other.costs[cost].median <= row.costs[cost].median and is_clearly_better(other.name, row.name)
            for other in points
        )

    return sorted((row for row in points if not is_beaten(row)), key=lambda row: row.costs[cost].median)


def within_budget(row: ComparisonRow, limits: Mapping[str, float]) -> bool:
    """Say whether every repeat of an arm kept to every limit; a cost that is unknown did not.

    Args:
        row: the arm.
        limits: cost -> most of it. `train_seconds` is a limit of compute seconds where they are known of all
            arms that the row is judged with.

    Raises:
        AnalysisError: a limit of time, and the arms' times can't be compared.
    """
    if WALL in limits and row.times.conflict is not None:
        raise AnalysisError(f"--max-train-seconds: {row.times.conflict}")
    return all(
        _keeps_to(row, row.times.column if cost == WALL else cost, most) for cost, most in limits.items()
    )


def _keeps_to(row: ComparisonRow, cost: str, most: float) -> bool:
    known = row.costs.get(cost)
    return known is not None and len(known.values) == len(row.arm.confirm) and known.high <= most


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
