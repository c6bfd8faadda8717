"""A search space: which factors are compared, and which hyperparameters are searched within each arm.

A space is a short Python file that assigns `SPACE = Space(...)`; those of the project are in
`search_spaces/`. Optuna's own distributions are the vocabulary of the ranges.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from study.errors import UserError, unknown_name

# The factors of an arm, in the order in which tables and labels name them; those that came later.
LATER_FACTORS = ("template", "system", "shots")
FACTORS = (
    ("method", "quantization", "model", "rank", "variant", "prompt_style", "annotations")
    + LATER_FACTORS
)  # fmt: skip


def choice(*values: str | int | float) -> CategoricalDistribution:
    """Return the range of one value out of a few."""
    return CategoricalDistribution(values)


def uniform(low: float, high: float) -> FloatDistribution:
    """Return the range from `low` to `high`."""
    return FloatDistribution(low, high)


def log_uniform(low: float, high: float) -> FloatDistribution:
    """Return the range from `low` to `high`, sampled by its logarithm."""
    return FloatDistribution(low, high, log=True)


def count_values(distribution: BaseDistribution) -> float:
    """Return how many values a range has: infinity for a continuous one, unless it is narrow as a hair."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distinct_choices(distribution))
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.step is None:
        return _count_floats(distribution.low, distribution.high)
    return int((distribution.high - distribution.low) / distribution.step + 1e-9) + 1


def distinct_choices(distribution: CategoricalDistribution) -> list[Any]:
    """Return the choices, each once: 8 and 8.0 are one, as Optuna takes them."""
    place = distribution.to_internal_repr  # that of the first which is equal
    return [value for number, value in enumerate(distribution.choices) if place(value) == number]


def list_values(distribution: BaseDistribution) -> Iterator[Any]:
    """Yield the values of a range, the first ones of one that has no end."""
    if isinstance(distribution, CategoricalDistribution):
        yield from distinct_choices(distribution)
        return
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    value, number = distribution.low, 0
    while value <= distribution.high:
        yield value
        number += 1
        step = distribution.step
        value = math.nextafter(value, math.inf) if step is None else distribution.low + number * step


def _count_floats(low: float, high: float) -> float:
    """Return how many floating-point numbers lie from `low` to `high`; infinity for very many."""
    count = 1 + (high - low) / math.ulp(max(abs(low), abs(high)))
    return count if count < 1e6 else math.inf


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Tell whether a value lies in a range."""
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False


def ends(distribution: BaseDistribution) -> Sequence[Any]:
    """Return every choice of a categorical range, or the two ends of another."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return (distribution.low, distribution.high)


@dataclass(frozen=True)
class Space:
    """What a study compares and what it searches.

    Attributes:
        question: the question that the study answers, in one sentence.
        compare: factor -> values; every combination is an arm. Several blocks make the union of their arms.
        search: the hyperparameters searched within each arm, from its method's own ranges.
        ranges: ranges of this space: they replace the method's own, or search what has none of its own.
        fixed: configuration values of every arm whose method takes them.
        points_to_evaluate: hyperparameters that every arm tries first, right after the profile's own;
            what is missing in a point, Optuna fills in.
    """

    question: str
    compare: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
    search: Sequence[str]
    ranges: Mapping[str, BaseDistribution] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    points_to_evaluate: Sequence[Mapping[str, Any]] = ()

    def blocks(self) -> list[Mapping[str, Sequence[Any]]]:
        """Return the blocks of `compare`, one or more."""
        return [self.compare] if isinstance(self.compare, Mapping) else list(self.compare)

    @property
    def compared(self) -> list[str]:
        """The factors that are compared, in the order in which labels name them."""
        named = {name for block in self.blocks() for name in block}
        return [name for name in FACTORS if name in named]

    def combinations(self) -> list[dict[str, Any]]:
        """Return the factors of every arm, in the order of `compare`, each once."""
        found: list[dict[str, Any]] = []
        for block in self.blocks():
            for values in product(*block.values()):
                combination = dict(zip(block, values, strict=True))
                if combination not in found:
                    found.append(combination)
        return found


def list_spaces() -> list[str]:
    """Return the names of the project's search spaces."""
    package = importlib.import_module("search_spaces")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def load_space(name: str) -> Space:
    """Return the space called `name`, or the one in the Python file of that path.

    A file is run, as any program is that its user names.

    Raises:
        UserError: there is no such space (the message lists the nearest names), or the file holds none.
    """
    if name.endswith(".py"):
        return _space_of(_run_file(Path(name)), name)
    if name not in list_spaces():
        raise unknown_name("space", name, list_spaces())
    return _space_of(importlib.import_module(f"search_spaces.{name}"), name)


def _run_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"space_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"no search space '{path}': there is no such file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UserError(f"search space '{path}' can't be read: {type(error).__name__}: {error}") from error
    return module


def _space_of(module: Any, name: str) -> Space:
    space = getattr(module, "SPACE", None)
    if not isinstance(space, Space):
        raise UserError(f"space '{name}' must assign SPACE = Space(...), found {type(space).__name__}")
    return space
