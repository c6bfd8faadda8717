"""Numbers as people read them: 295k, 12.3 MB, 31 s."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Measure:
    """What a score is measured in, and how its figures are written: 61.2%, by 4.1 points; 3.2 cm, by 0.4 cm.

    Attributes:
        name: as it stands in a sentence: accuracy, macro F1.
        unit: "%", or what stands behind a figure; "" for none.
        digits: behind the point; None: as many as leave three figures of the largest that stand together.
        lower_is_better: whether less is better.
    """

    name: str = "accuracy"
    unit: str = "%"
    digits: int | None = 1
    lower_is_better: bool = False

    @property
    def sign(self) -> int:
        """1, or -1 where less is better: times it, more is better."""
        return -1 if self.lower_is_better else 1

    @property
    def suffix(self) -> str:
        """What stands behind a figure, its space included."""
        return self.unit if self.unit in ("%", "") else f" {self.unit}"

    @property
    def difference_suffix(self) -> str:
        """What stands behind a difference: of two figures in % it is in points."""
        return " points" if self.unit == "%" else self.suffix

    @property
    def difference_heading(self) -> str:
        """The header of a column of differences."""
        return self.difference_suffix.strip() or "difference"

    @property
    def heading(self) -> str:
        """The header of a column of figures: accuracy %, mean error (cm)."""
        return (
            f"{self.name} %" if self.unit == "%" else f"{self.name} ({self.unit})" if self.unit else self.name
        )

    def write(self, *values: float, signed: bool = False) -> list[str]:
        """Return figures that stand together, all with the same digits and without their unit."""
        digits = self.digits
        if digits is None:
            largest = max(map(abs, values), default=0.0)
            digits = min(max(2 - math.floor(math.log10(largest)), 0), 9) if largest > 0 else 1
        return [f"{value:{'+' if signed else ''}.{digits}f}" for value in values]

    def show(self, value: float) -> str:
        """Return a figure with its unit."""
        return self.write(value)[0] + self.suffix
