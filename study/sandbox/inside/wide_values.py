"""The values of the wider language and the operators on them.

A value is an int, a float, a bool, None, a text, a range, a tuple, list, dict or set of values, a function of
the program or of the language. Numbers and texts are bounded *before* they are computed; whatever walks
through a value is charged steps by its length first, so that neither time nor memory grows beyond the steps.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .language import MAX_NUMBER_BITS
from .values import COMPARISONS, ProgramError, bounded, compute

MAX_TEXT = 10_000
MAX_VALUE_DEPTH = 50

Spend = Callable[[int], None]

_NUMBERS = (int, float, bool)
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_BITS: dict[type, Callable[[Any, Any], Any]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.RShift: operator.rshift,
    ast.LShift: operator.lshift,
}
_SETS = {kind: of for kind, of in _BITS.items() if "Shift" not in kind.__name__} | {ast.Sub: operator.sub}


@dataclass(frozen=True)
class Builtin:
    """A function of the language, or a type, as a value: `len` in `map(len, texts)`."""

    name: str


def measure(value: Any, spend: Spend) -> int:
    """Charge a value's size, its parts and their texts counted wherever they occur, and return it.

    Raises:
        ProgramError: it is nested too deep, or holds itself.
    """
    size = 0
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        cost = 1 + (len(part) if type(part) is str else 0)
        spend(cost)
        size += cost
        if type(part) in (list, tuple, set, dict):
            if depth >= MAX_VALUE_DEPTH:
                raise ProgramError(f"a value is nested deeper than {MAX_VALUE_DEPTH}")
            spend(len(part))
            waiting.extend((of, depth + 1) for of in part)
            if type(part) is dict:
                waiting.extend((of, depth + 1) for of in part.values())
    return size


def bounded_text(text: str) -> str:
    """Return a text that is not too long.

    Raises:
        ProgramError: it is.
    """
    require_length(len(text))
    return text


def require_length(characters: int) -> None:
    """Refuse a text of so many characters, if these are too many.

    Raises:
        ProgramError: they are.
    """
    if characters > MAX_TEXT:
        raise ProgramError("a text grew too long")


def items_of(value: Any, spend: Spend) -> list[Any]:
    """Return what a loop over a value gives, charged by its length.

    Raises:
        ProgramError: it can't be looped over.
    """
    spend(len(iterable(value)))
    return list(value)


def iterable(value: Any) -> Any:
    """Return a value that can be looped over.

    Raises:
        ProgramError: it can't.
    """
    if type(value) not in (list, tuple, str, range, dict, set):
        raise ProgramError(f"{kind_of(value)} can't be looped over")
    return value


def kind_of(value: Any) -> str:
    """Return the name of a value's type."""
    return "a function" if type(value).__name__ in ("Builtin", "Function") else type(value).__name__


def combine(kind: type, left: Any, right: Any, spend: Spend) -> Any:
    """Return the result of an operator on two values.

    Raises:
        ProgramError: values that it does not take, or a result that is too large.
    """
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return compute(kind, left, right) if kind in _ARITHMETIC else _combine_bits(kind, left, right)
    if kind is ast.Add and type(left) is type(right):
        if type(left) is str:
            require_length(len(left) + len(right))
            spend(len(left) + len(right))
            return left + right
        if type(left) in (list, tuple):
            spend(len(left) + len(right))
            return left + right
    if kind is ast.Mult:
        if type(left) is int:
            left, right = right, left
        if type(right) is int and type(left) in (str, list, tuple):
            return _repeat(left, right, spend)
    if kind in _SETS and type(left) is set and type(right) is set:
        spend(measure(left, spend) + measure(right, spend))
        return _SETS[kind](left, right)
    raise ProgramError(f"{kind.__name__} of {kind_of(left)} and {kind_of(right)}")


def _combine_bits(kind: type, left: Any, right: Any) -> Any:
    if float in (type(left), type(right)):
        raise ProgramError("bits are those of whole numbers")
    if kind is ast.LShift and int(left).bit_length() + right > MAX_NUMBER_BITS:
        raise ProgramError("a number grew too large")
    return bounded(_BITS[kind](left, right))


def _repeat(items: Any, times: int, spend: Spend) -> Any:
    length = len(items) * max(times, 0)
    if type(items) is str:
        require_length(length)
    spend(length)
    return items * times


def compare(kind: type, left: Any, right: Any, spend: Spend) -> bool:
    """Return the result of a comparison, of `in` or of `is`.

    Raises:
        ProgramError: values that it does not take.
    """
    if kind in (ast.Is, ast.IsNot):
        if not any(value is None or type(value) in (bool, Builtin) for value in (left, right)):
            raise ProgramError("'is' is for None, True, False and types")
        return (left is right or (type(left) is Builtin and left == right)) is (kind is ast.Is)
    if kind in (ast.In, ast.NotIn):
        return _contains(right, left, spend) is (kind is ast.In)
    measure(left, spend)
    measure(right, spend)
    return bool(COMPARISONS[kind](left, right))


def _contains(items: Any, value: Any, spend: Spend) -> bool:
    measure(value, spend)
    if type(iterable(items)) is str:
        spend(len(items))
        if type(value) is not str:
            raise ProgramError("a text holds texts alone")
    elif type(items) is range:
        # For what is no int, Python walks through it.
        return type(value) in _NUMBERS and value == value // 1 and int(value) in items
    elif type(items) in (list, tuple):
        measure(items, spend)
    return value in items


def get_item(items: Any, index: Any, spend: Spend) -> Any:
    """Return the value at a place or a key.

    Raises:
        ProgramError: it has no such places.
        LookupError, TypeError: as Python does.
    """
    if type(items) is dict:
        measure(index, spend)
        return items[index]
    if type(items) not in (list, tuple, str, range):
        raise ProgramError(f"{kind_of(items)} has no places")
    return items[index]


def get_slice(items: Any, places: slice, spend: Spend) -> Any:
    """Return the part of a text, list, tuple or range that a slice names."""
    if type(items) not in (list, tuple, str, range):
        raise ProgramError(f"{kind_of(items)} has no slices")
    if type(items) is not range:
        spend(len(items))
    return items[places]


def set_item(items: Any, index: Any, value: Any, spend: Spend) -> None:
    """Put a value at a place of a list or a key of a dict.

    Raises:
        ProgramError: it is neither.
        LookupError, TypeError: as Python does.
    """
    if type(items) not in (list, dict):
        raise ProgramError(f"nothing can be put into {kind_of(items)}")
    measure(index, spend)
    items[index] = value


def sort_values(values: Iterable[Any], keys: Iterable[Any], *, reverse: bool, spend: Spend) -> list[Any]:
    """Return the values in the order of their keys, equal ones as they stood."""
    pairs = list(zip(keys, values, strict=True))
    size = sum(measure(key, spend) for key, _ in pairs)
    spend(size * len(pairs).bit_length())
    pairs.sort(key=lambda pair: pair[0], reverse=reverse)
    return [value for _, value in pairs]
