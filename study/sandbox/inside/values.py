"""The values of the sandbox's language, the arithmetic on them, and the functions that programs may call.

A value is an int, a float, a bool, None, a text, a range, a tuple of numbers and texts (lists are tuples:
nothing in the language changes one), or a function that the program defined. Texts and tuples have no
arithmetic, so nothing grows but numbers, and these are bounded *before* an operation computes them.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from .language import FUNCTIONS, MAX_NUMBER_BITS

MAX_ROUND_DIGITS = 30
MAX_ANSWER_DIGITS = 40

_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class ProgramError(Exception):
    """The program did what it can't do, as it runs."""


def require_number(value: Any) -> Any:
    """Return `value` if it is a number.

    Raises:
        ProgramError: it is something else.
    """
    if type(value) not in (int, float, bool):
        raise ProgramError(f"a number is needed, not {type(value).__name__}")
    return value


def compute(kind: type, left: Any, right: Any) -> Any:
    """Return the result of an arithmetic operator on two numbers.

    Raises:
        ProgramError: no numbers, or a result that is too large or not real.
        ArithmeticError: as Python does, for a division by zero or a float that overflows.
    """
    _bound_result(kind, require_number(left), require_number(right))
    return bounded(_OPERATIONS[kind](left, right))


def compare(kind: type, left: Any, right: Any) -> bool:
    """Return the result of a comparison of two numbers or two texts.

    Raises:
        ProgramError: values of other kinds, or of different kinds.
    """
    if not (type(left) is str and type(right) is str):
        require_number(left)
        require_number(right)
    return COMPARISONS[kind](left, right)


def call_function(name: str, values: Sequence[Any], spend: Callable[[int], None]) -> Any:
    """Call one of the language's own functions.

    Args:
        name: one of `FUNCTIONS`.
        values: the arguments.
        spend: charges steps: a function that walks a sequence costs its length.

    Raises:
        ProgramError: arguments that the function does not take.
    """
    if name == "print":
        return None
    if name == "len":
        return len(_sequence(values))
    if name == "sum" or (name in ("min", "max") and len(values) == 1):
        items = _sequence(values)
        spend(len(items))
        return bounded(_SEQUENCE_FUNCTIONS[name]([require_number(item) for item in items]))
    for value in values:
        require_number(value)
    if name == "round" and len(values) == 2 and abs(values[1]) > MAX_ROUND_DIGITS:
        raise ProgramError(f"round() takes at most {MAX_ROUND_DIGITS} digits")
    if name == "pow" and len(values) != 2:
        raise ProgramError("pow() takes two arguments")
    return _NUMBER_FUNCTIONS[name](*values)


def write_answer(value: Any) -> str:
    """Return an answer as text: the digits of an int, the shortest form of a float.

    Raises:
        ProgramError: the value is no number (True and False are none), not finite or out of bounds.
    """
    if type(value) not in (int, float):
        raise ProgramError(f"answer is no number but {type(value).__name__}")
    if not math.isfinite(value):
        raise ProgramError("answer is not finite")
    if abs(value) >= 10**MAX_ANSWER_DIGITS:
        raise ProgramError(f"answer has more than {MAX_ANSWER_DIGITS} digits")
    return repr(value)


def _bound_result(kind: type, left: Any, right: Any) -> None:
    """Refuse a product or a power of integers by the size that it would have."""
    if type(left) is float or type(right) is float:
        return
    bits = 0
    if kind is ast.Mult:
        bits = left.bit_length() + right.bit_length()
    elif kind is ast.Pow and abs(left) > 1:
        bits = left.bit_length() * abs(right)
    if bits > 2 * MAX_NUMBER_BITS:
        raise ProgramError("a number grew too large")


def bounded(value: Any) -> Any:
    """Return a number that is not too large, or any other value.

    Raises:
        ProgramError: it has too many bits, or is not real.
    """
    if type(value) is int and value.bit_length() > MAX_NUMBER_BITS:
        raise ProgramError("a number grew too large")
    if type(value) is complex:
        raise ProgramError("a number is not real")
    return value


def _sequence(values: Sequence[Any]) -> Any:
    if len(values) != 1 or type(values[0]) not in (tuple, range):
        raise ProgramError("one list is needed")
    return values[0]


def _power(left: Any, right: Any) -> Any:
    return compute(ast.Pow, left, right)


_SEQUENCE_FUNCTIONS: dict[str, Callable[[Any], Any]] = {"sum": sum, "min": min, "max": max}
_NUMBER_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "divmod": divmod,
    "float": float,
    "int": int,
    "max": max,
    "min": min,
    "pow": _power,
    "range": range,
    "round": round,
}
assert set(_SEQUENCE_FUNCTIONS) | set(_NUMBER_FUNCTIONS) | {"len", "print"} == FUNCTIONS
