"""The problem families of families.toml as checked objects.

    from study.embedded.families import load_families
    families, lexicon = load_families()

A family is data: wordings, number ranges and steps. What is drawn from it is in problems.py.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from study.embedded import FAMILIES_FILE

PLACEHOLDER = re.compile(r"\{(\w*)\}")
_VARIABLE = re.compile(r"[a-z]\w*")
_NO_NAMES: dict[str, Any] = {"__builtins__": {}}
LARGEST_VALUE = 999
MINIMUM_WORDINGS = 4


@dataclass(frozen=True)
class Step:
    """One step: a sub-question, a sentence with `{}` for the calculation, and the calculation."""

    ask: str
    say: str
    expr: str


@dataclass(frozen=True)
class Family:
    """One kind of problem: its number ranges, wordings and steps."""

    name: str
    numbers: dict[str, tuple[int, ...]]
    where: tuple[str, ...]
    wordings: tuple[str, ...]
    steps: tuple[Step, ...]
    in_pretraining: bool

    def accepts(self, values: dict[str, int]) -> bool:
        """Whether the numbers meet the family's conditions and every step is a whole number >= 0."""
        if not all(_evaluate(rule, values) for rule in self.where):
            return False
        known: dict[str, int] = dict(values)
        for index, step in enumerate(self.steps, start=1):
            value = _evaluate(step.expr, known)
            if value != int(value) or not 0 <= value <= LARGEST_VALUE:
                return False
            known[f"r{index}"] = int(value)
        return True

    def calculate(self, values: dict[str, int]) -> list[tuple[str, int]]:
        """Each step's calculation with numbers put in, and its value; the numbers were accepted before."""
        known = dict(values)
        done: list[tuple[str, int]] = []
        for index, step in enumerate(self.steps, start=1):
            written = _VARIABLE.sub(lambda match: str(known[match.group()]), step.expr)
            # Values stay far below 2**53, so the true division of whole numbers is exact.
            known[f"r{index}"] = int(_evaluate(step.expr, known))
            done.append((written, known[f"r{index}"]))
        return done


@cache
def _compiled(expression: str) -> CodeType:
    return compile(expression, "families.toml", "eval")


def _evaluate(expression: str, values: dict[str, int]) -> float:
    # Expressions come from the project's own data file, so evaluating them is safe.
    return eval(_compiled(expression), _NO_NAMES, values)


@dataclass(frozen=True)
class Lexicon:
    """The words that fill a wording's placeholders."""

    names: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]
    distractors: tuple[str, ...]


def _choices(spec: list[int] | dict[str, list[int]]) -> tuple[int, ...]:
    if isinstance(spec, dict):
        return tuple(spec["of"])
    low, high = spec
    return tuple(range(low, high + 1))


def _check(family: Family) -> None:
    if len(family.wordings) < MINIMUM_WORDINGS:
        raise ValueError(f"family {family.name}: {MINIMUM_WORDINGS} wordings are needed")
    for wording in family.wordings:
        present = set(PLACEHOLDER.findall(wording))
        for step in family.steps:
            missing = set(PLACEHOLDER.findall(step.ask + step.say)) - present - {""}
            if missing:
                raise ValueError(f"family {family.name}: {missing} of a step are not in {wording!r}")


@cache
def load_families(path: Path = FAMILIES_FILE) -> tuple[tuple[Family, ...], Lexicon]:
    """Read and check the families and the word lists."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    families = tuple(
        Family(
            name=entry["name"],
            numbers={name: _choices(spec) for name, spec in entry["numbers"].items()},
            where=tuple(entry.get("where", ())),
            wordings=tuple(entry["wordings"]),
            steps=tuple(Step(**step) for step in entry["step"]),
            in_pretraining=entry.get("pretrain", True),
        )
        for entry in raw["family"]
    )
    for family in families:
        _check(family)
    lists = {name: tuple(raw[name]) for name in ("names", "things", "places", "distractors")}
    return families, Lexicon(**lists)
