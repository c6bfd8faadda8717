"""The methods of the wider language's values, and what it has of `math`: tables of what is allowed, by name.

No attribute of an object is ever looked up by a name that a program wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .values import ProgramError, bounded
from .wide_values import Spend, bounded_text, items_of, kind_of, measure, require_length

MAX_FACTORIAL = 170

# Items of a list that `pop(0)` and `insert(0, ...)` move for one step.
_MOVED_IN_A_STEP = 100

Method = Callable[..., Any]

# What costs a step: nothing is walked through, or no more than moved in memory.
_QUICK: dict[type, dict[str, Method]] = {
    list: {"append": list.append, "pop": list.pop, "insert": list.insert, "clear": list.clear},
    dict: {"get": dict.get, "pop": dict.pop, "setdefault": dict.setdefault, "clear": dict.clear},
    set: {"add": set.add, "discard": set.discard, "remove": set.remove, "clear": set.clear},
}
# What walks through the value and its arguments.
_SLOW: dict[type, dict[str, Method]] = {
    list: {
        **{"copy": list.copy, "count": list.count, "index": list.index},
        **{"remove": list.remove, "reverse": list.reverse},
    },
    tuple: {"count": tuple.count, "index": tuple.index},
    dict: {
        **{"copy": dict.copy, "items": lambda of: list(of.items())},
        **{"keys": lambda of: list(of), "values": lambda of: list(of.values())},
    },
    set: {
        **{
            "copy": set.copy,
            "isdisjoint": set.isdisjoint,
            "issubset": set.issubset,
            "issuperset": set.issuperset,
        },
        **{"union": set.union, "intersection": set.intersection, "difference": set.difference},
        **{"symmetric_difference": set.symmetric_difference},
    },
    str: {
        **{"capitalize": str.capitalize, "count": str.count, "endswith": str.endswith, "find": str.find},
        **{"index": str.index, "isalnum": str.isalnum, "isalpha": str.isalpha, "isdigit": str.isdigit},
        **{"islower": str.islower, "isspace": str.isspace, "isupper": str.isupper, "lower": str.lower},
        **{"lstrip": str.lstrip, "rfind": str.rfind, "rstrip": str.rstrip, "split": str.split},
        **{"splitlines": str.splitlines, "startswith": str.startswith, "strip": str.strip},
        **{"swapcase": str.swapcase, "title": str.title, "upper": str.upper},
    },
}
# Here: `extend`, `update`, `join` and `replace`; in the interpreter, for its key is a function: `sort`.
_OWN = ("extend", "update", "join", "replace", "sort")
METHOD_NAMES = frozenset(name for table in (_QUICK, _SLOW) for of in table.values() for name in of) | {*_OWN}

MATH: dict[str, Any] = {
    **{"e": math.e, "inf": math.inf, "pi": math.pi},
    **{
        name: getattr(math, name)
        for name in ("acos", "asin", "atan", "atan2", "ceil", "cos", "degrees", "exp")
    },
    **{
        name: getattr(math, name)
        for name in ("fabs", "floor", "gcd", "hypot", "isclose", "isqrt", "log", "log10")
    },
    **{name: getattr(math, name) for name in ("log2", "radians", "sin", "sqrt", "tan", "trunc")},
    "factorial": None,
    "pow": math.pow,
}


def call_method(value: Any, name: str, arguments: Sequence[Any], spend: Spend) -> Any:
    """Call a method of a value by the table of its type.

    Raises:
        ProgramError: the type has no such method, or its result would be too large.
        ValueError, LookupError, TypeError: as Python does.
    """
    kind = type(value)
    if name in _QUICK.get(kind, {}):
        # The first argument may be hashed; what is put into a list is not looked at.
        for argument in arguments if kind is not list else ():
            measure(argument, spend)
        spend(1 + (len(value) // _MOVED_IN_A_STEP if kind is list else 0))
        return _QUICK[kind][name](value, *arguments)
    if (kind, name) in _BY_HAND:
        return _BY_HAND[kind, name](value, *arguments, spend=spend)
    if name not in _SLOW.get(kind, {}):
        raise ProgramError(f"{kind_of(value)} has no method {name!r}")
    if kind is set:  # whose arguments may be ranges
        arguments = [of if type(of) is set else items_of(of, spend) for of in arguments]
    size = sum(measure(of, spend) for of in (value, *arguments))
    spend(size)
    return bound_result(_SLOW[kind][name](value, *arguments))


def call_math(name: str, arguments: Sequence[Any]) -> Any:
    """Call a function of `math`, on numbers.

    Raises:
        ProgramError: it is none, takes other values, or its result would be too large.
        ValueError, ArithmeticError, TypeError: as Python does.
    """
    if any(type(value) not in (int, float, bool) for value in arguments):
        raise ProgramError(f"math.{name} takes numbers")
    if name == "factorial":
        (number,) = arguments
        if number > MAX_FACTORIAL:
            raise ProgramError("a number grew too large")
        return math.factorial(number)
    if not callable(MATH[name]):
        raise ProgramError(f"math.{name} is no function")
    return bounded(MATH[name](*arguments))


def bound_result(value: Any) -> Any:
    """Return a result that is neither too long a text nor too large a number."""
    return bounded_text(value) if type(value) is str else bounded(value)


def _extend(value: list[Any], items: Any, *, spend: Spend) -> None:
    value.extend(items_of(items, spend))


def _update_dict(value: dict[Any, Any], other: Any, *, spend: Spend) -> None:
    if type(other) is not dict:
        raise ProgramError("a dict is updated with a dict")
    measure(other, spend)
    value.update(other)


def _update_set(value: set[Any], items: Any, *, spend: Spend) -> None:
    measure(items, spend)
    value.update(items_of(items, spend))


def _join(value: str, items: Any, *, spend: Spend) -> str:
    parts = items_of(items, spend)
    if any(type(part) is not str for part in parts):
        raise ProgramError("join() takes texts")
    require_length(sum(map(len, parts)) + len(value) * len(parts))
    spend(sum(map(len, parts)))
    return value.join(parts)


def _replace(value: str, old: Any, new: Any, count: Any = -1, *, spend: Spend) -> str:
    if type(old) is not str or type(new) is not str or type(count) is not int:
        raise ProgramError("replace() takes texts")
    spend(len(value) + len(old))
    places = value.count(old)
    require_length(len(value) + places * len(new))
    spend(places * len(new))
    return value.replace(old, new, count)


_BY_HAND: dict[tuple[type, str], Method] = {
    (list, "extend"): _extend,
    (dict, "update"): _update_dict,
    (set, "update"): _update_set,
    (str, "join"): _join,
    (str, "replace"): _replace,
}
