"""Numbers as people read them: 295k, 12.3 MB, 31 s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MISSING = "–"


def show_count(count: float) -> str:
    """Return a count with a metric suffix: 294912 -> 295k."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit * 0.9995:
            return f"{count / limit:.3g}{suffix}"
    return f"{count:.0f}"


def show_bytes(size: float) -> str:
    """Return a size in bytes with a decimal unit: 12_345_678 -> 12.3 MB."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit * 0.9995:
            return f"{size / limit:.3g} {unit}"
    return f"{size:.0f} B"


def show_seconds(seconds: float) -> str:
    """Return a duration in seconds in its natural unit: 31 s, 4.2 min, 1.3 h."""
    for limit, unit in ((86_400 * 2, "d"), (3600, "h"), (60, "min")):
        if seconds >= limit:
            return f"{seconds / {'d': 86_400, 'h': 3600, 'min': 60}[unit]:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def show_value(value: Any) -> str:
    """Return a hyperparameter's value: numbers with two digits that count, whole ones whole."""
    if isinstance(value, str):
        return value
    return f"{value:g}" if float(value).is_integer() else f"{value:.2g}"


def show_values(values: Mapping[str, Any]) -> str:
    """Return hyperparameters in words, those that have a value: rank 8, learning rate 0.0031."""
    known = {name: value for name, value in values.items() if value is not None}
    return ", ".join(f"{name.replace('_', ' ')} {show_value(value)}" for name, value in known.items())
