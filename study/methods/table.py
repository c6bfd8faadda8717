"""The table of methods: what the configuration, the plan, the check of a space and the trial ask."""

from __future__ import annotations

from study.methods.entries import (
    FEW_SHOT,
    FLOOR_EMPTY,
    FLOORS,
    FULL,
    LORA,
    QLORA,
    RIVAL_TFIDF,
    STACKED_LORA,
    ZERO_SHOT,
)
from study.methods.method import Method

METHODS: dict[str, Method] = {
    method.name: method
    for method in (LORA, QLORA, FULL, STACKED_LORA, ZERO_SHOT, FEW_SHOT, *FLOORS, FLOOR_EMPTY, RIVAL_TFIDF)
}


def check_method(name: object) -> None:
    """Check that there is a method of that name.

    Raises:
        ValueError: there is none; it says which there are.
    """
    if not isinstance(name, str) or name not in METHODS:
        *others, last = map(repr, METHODS)
        raise ValueError(f"Input should be {', '.join(others)} or {last}")


def trained_methods() -> tuple[str, ...]:
    """Return the methods that train something: what a space can compare, the rest stands beside it."""
    return tuple(name for name, method in METHODS.items() if method.is_trained)
