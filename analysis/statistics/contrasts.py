"""Planned contrasts: the differences that a search space asks for, known before any result.

They are all pairs of arms that differ in exactly one compared factor, and each factor's main effects: for
every two of its levels the mean over the cells of the other factors in which both exist, where there are at
least two such cells. The planned contrasts are corrected together (Holm); all other pairs are exploratory.

A factor that a method doesn't have is no difference of its own: QLoRA's base is quantised and LoRA's is not,
LoRA has a rank and full fine-tuning has none. Only arms that stand in one study have planned contrasts.
"""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from analysis.statistics.differences import Answers, Difference, contrast

# In the order in which an arm's name has them.
FACTORS = (
    ("method", "quantization", "model", "rank", "variant", "prompt_style", "annotations")
    + ("template", "system", "shots")
)  # fmt: skip
_ABSENT = (None, "none")
# Every method has these: that a prompt has none of them is a level like another.
_OF_EVERY_METHOD = {"template": "none", "system": None, "shots": 0}
_LONGEST_LEVEL = 30


@dataclass(frozen=True)
class PlannedArm:
    """An arm as it was planned: its factors, and the studies that it stands in."""

    name: str
    factors: Mapping[str, Any]
    studies: frozenset[Hashable] = frozenset()


@dataclass(frozen=True)
class Contrast:
    """One difference to be estimated.

    Attributes:
        first, second: two arms, or two levels of a factor.
        weights: arm -> its weight, positive on the first side; they sum to 0.
        over: for a main effect, the cells that it is averaged over.
    """

    first: str
    second: str
    weights: Mapping[str, float]
    over: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Pair:
    """Two arms that differ in one factor, and the cell of the other factors in which they stand."""

    factor: str
    levels: tuple[str, str]
    arms: tuple[str, str]
    cell: tuple[tuple[str, str], ...]


def estimate_contrast(asked: Contrast, answers: Mapping[str, Answers]) -> Difference:
    """Return a contrast's difference from the answers of its arms."""
    terms = [(answers[name], weight) for name, weight in asked.weights.items()]
    return replace(contrast(asked.first, asked.second, terms), over=asked.over)


def every_pair(names: Sequence[str]) -> list[Contrast]:
    """Return all pairs of arms."""
    return [_pair_contrast(first, second) for first, second in combinations(names, 2)]


def _pair_contrast(first: str, second: str) -> Contrast:
    return Contrast(first, second, {first: 1.0, second: -1.0})


def plan_contrasts(arms: Sequence[PlannedArm], compared: Iterable[str] | None = None) -> list[Contrast]:
    """Return the planned contrasts of arms: pairs in the arms' order, then main effects.

    Args:
        arms: the trained arms.
        compared: the factors that the space compares; None: those that vary. One that varies besides counts
            too, unless it follows from the method: what differs in it differs in more than was asked.
    """
    varying = {name for name in FACTORS if len({str(_level(arm, name)) for arm in arms}) > 1}
    asked = varying if compared is None else set(compared)
    asked |= {name for name in varying if not _follows_from_method(arms, name)}
    factors = [name for name in FACTORS if name in asked]
    found = [_place(first, second, factors) for first, second in combinations(arms, 2)]
    pairs = [pair for pair in found if pair is not None]
    return [*(_pair_contrast(*pair.arms) for pair in pairs), *_main_effects(pairs)]


def _level(arm: PlannedArm, factor: str) -> Any:
    value = arm.factors.get(factor)
    return _OF_EVERY_METHOD.get(factor) if value is None else value


def _follows_from_method(arms: Sequence[PlannedArm], factor: str) -> bool:
    pairs = {(str(arm.factors.get("method")), str(_level(arm, factor))) for arm in arms}
    return len(pairs) == len({method for method, _ in pairs})


def _place(first: PlannedArm, second: PlannedArm, factors: Sequence[str]) -> _Pair | None:
    """Return where a pair stands; None where it differs in several factors or none, or shares no study."""
    if first.studies and second.studies and not first.studies & second.studies:
        return None
    differing = [name for name in factors if _differs(first, second, name)]
    if len(differing) != 1:
        return None
    (factor,) = differing
    levels = (show_level(factor, _level(first, factor)), show_level(factor, _level(second, factor)))
    cell = tuple((name, _common_level(first, second, name)) for name in factors if name != factor)
    if levels[0] > levels[1]:
        return _Pair(factor, levels[::-1], (second.name, first.name), cell)
    return _Pair(factor, levels, (first.name, second.name), cell)


def _differs(first: PlannedArm, second: PlannedArm, factor: str) -> bool:
    values = (_level(first, factor), _level(second, factor))
    if values[0] == values[1] or factor in _OF_EVERY_METHOD:
        return bool(values[0] != values[1])
    other_method = first.factors.get("method") != second.factors.get("method")
    return factor == "method" or not (other_method and any(value in _ABSENT for value in values))


def _common_level(first: PlannedArm, second: PlannedArm, factor: str) -> str:
    """Return the value that both have, or the only one's where the other's method has no such factor."""
    values = [_level(arm, factor) for arm in (first, second)]
    if factor in _OF_EVERY_METHOD:
        return show_level(factor, values[0])
    return next((show_level(factor, value) for value in values if value not in _ABSENT), "none")


def show_level(factor: str, value: Any) -> str:
    """Return a factor's value as an arm's name has it: a Hub name without its owner, rank 8."""
    if isinstance(value, int | float):
        return f"{factor.replace('_', ' ')} {value}"
    if factor == "template":
        return "no template" if value in _ABSENT else f"{value} template"
    if factor == "system":
        return "no system text" if value is None else f"system '{textwrap.shorten(value, _LONGEST_LEVEL)}'"
    return str(value).rstrip("/").rpartition("/")[2].replace("_", "-")


def _main_effects(pairs: Sequence[_Pair]) -> list[Contrast]:
    groups: dict[tuple[str, tuple[str, str]], list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.factor, pair.levels), []).append(pair)
    return [_main_effect(own) for own in groups.values() if len({pair.cell for pair in own}) > 1]


def _main_effect(pairs: Sequence[_Pair]) -> Contrast:
    """Return the mean over the cells, each with the same weight, of the difference between two levels."""
    cells = list(dict.fromkeys(pair.cell for pair in pairs))
    weights: dict[str, float] = {}
    for pair in pairs:
        share = 1 / len(cells) / sum(other.cell == pair.cell for other in pairs)
        for name, sign in zip(pair.arms, (1, -1), strict=True):
            weights[name] = weights.get(name, 0.0) + sign * share
    return Contrast(*pairs[0].levels, weights, _name_cells(cells))


def _name_cells(cells: Sequence[tuple[tuple[str, str], ...]]) -> tuple[str, ...]:
    """Return the cells' names: the levels of the factors that vary between them."""
    varying = [place for place in range(len(cells[0])) if len({cell[place] for cell in cells}) > 1]
    return tuple(" ".join(cell[place][1] for place in varying) for cell in cells)
