"""Sizes in bytes as people write and read them: 20GB, 12.3 MB."""

from __future__ import annotations

import re

from study.errors import UserError

_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parse_size(option: str, text: str) -> int:
    """Return the bytes that an option's value names, with decimal units: 500MB, 20 GB, 1.5T.

    Raises:
        UserError: it is no size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", text.upper())
    if match is None:
        raise UserError(f"{option} must be a size, such as 500MB or 20GB; received '{text}'")
    return int(float(match[1]) * _FACTORS[match[2]])


def show_size(size: float) -> str:
    """Return a size in bytes with a decimal unit: 12_345_678 -> 12.3 MB."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit * 0.9995:
            return f"{size / limit:.3g} {unit}"
    return f"{size:.0f} B"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: 1 trial, 2 trials."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
