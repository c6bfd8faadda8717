"""What the plan says of the search: which hyperparameters an arm searched, and on which scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.arms.arm import Arm

# In the order in which tables name them.
HYPERPARAMETERS = (
    *("rank", "alpha", "lora_dropout", "target_modules", "learning_rate"),
    *("batch_size", "warmup_fraction", "weight_decay", "max_steps", "epochs"),
    *("second_rank", "second_alpha", "second_learning_rate", "second_max_steps", "second_epochs"),
)
# So many times the least: on a linear axis most points would then stand at its left edge.
WIDE = 8


def searched_hyperparameters(arm: Arm) -> list[str]:
    """Return what an arm searched: its planned ranges, or without a plan what varied between its trials."""
    if (planned := arm.plan.get("ranges")) is not None:
        return [name for name in HYPERPARAMETERS if name in planned]
    return varied(arm.search)


def varied(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the hyperparameters that took more than one value."""
    return [name for name in HYPERPARAMETERS if len({row.get(name) for row in rows} - {None}) > 1]


def is_logarithmic(name: str, values: Sequence[float], arms: Sequence[Arm]) -> bool:
    """Say whether an axis of a hyperparameter is logarithmic: as it was searched, or by its values.

    Args:
        name: the hyperparameter.
        values: those that are drawn, one at least.
        arms: the arms whose trials are drawn.
    """
    if min(values) <= 0:
        return False
    if any(_was_log((arm.plan.get("ranges") or {}).get(name)) for arm in arms):
        return True
    return _are_powers_of_two(values) or max(values) / min(values) >= WIDE


def _was_log(distribution: Any) -> bool:
    """Say whether a range of study.json is logarithmic: an object since schema 2, before it a text."""
    if isinstance(distribution, Mapping):
        attributes = distribution.get("attributes")
        return isinstance(attributes, Mapping) and attributes.get("log") is True
    return "log=True" in str(distribution)


def _are_powers_of_two(values: Sequence[float]) -> bool:
    return len(set(values)) > 2 and all(math.frexp(value)[0] == 0.5 for value in values)


def searched_by(arms: Sequence[Arm]) -> list[str]:
    """Return what at least one of the arms searched, in the order in which they name it."""
    return list(dict.fromkeys(name for arm in arms for name in searched_hyperparameters(arm)))
