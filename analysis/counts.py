"""Counts in sentences."""

from __future__ import annotations


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: 1 model, 2 models."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
