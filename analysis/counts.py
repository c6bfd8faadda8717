"""Counts in sentences."""

from __future__ import annotations

from collections.abc import Mapping


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: 1 model, 2 models."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def count_each(counts: Mapping[str, int]) -> str:
    """Return counts by status, in the order of the names: 3 complete, 1 out of memory; empty without any."""
    return ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in sorted(counts.items()))
