"""The functions of the wider language: each takes values and keywords, and charges what it walks through."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .values import MAX_ROUND_DIGITS, ProgramError, bounded, compute, require_number
from .wide_values import Builtin, bounded_text, items_of, iterable, kind_of, measure, sort_values

_TYPES: dict[str, type] = {kind.__name__: kind for kind in (int, float, bool, str, list, tuple, dict, set)}


class Caller(Protocol):
    """What calls a function for another: the interpreter."""

    def spend(self, steps: int) -> None:
        """Charge steps."""

    def call_value(self, function: Any, values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """Call a function of the program or of the language."""


def call_builtin(caller: Caller, name: str, values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """Call one of the language's own functions.

    Raises:
        ProgramError: values or keywords that it does not take.
        ValueError, ArithmeticError, LookupError, TypeError: as Python does.
    """
    allowed = _KEYWORDS.get(name, ())
    if other := next((keyword for keyword in keywords if keyword not in allowed), None):
        raise ProgramError(f"{name}() takes no {other[:40]!r} here")
    caller.spend(1)
    return _FUNCTIONS[name](caller, *values, **keywords)


def sort_by(caller: Caller, items: Any, key: Any = None, reverse: Any = False) -> list[Any]:
    """Return the items of a value in order."""
    values = items_of(items, caller.spend)
    return sort_values(values, _keys(caller, values, key), reverse=bool(reverse), spend=caller.spend)


def _keys(caller: Caller, values: Sequence[Any], key: Any) -> Sequence[Any]:
    return values if key is None else [caller.call_value(key, [value], {}) for value in values]


def _best(caller: Caller, name: str, values: Sequence[Any], key: Any, default: Sequence[Any]) -> Any:
    items = items_of(values[0], caller.spend) if len(values) == 1 else list(values)
    if not items and default:
        return default[0]
    keys = _keys(caller, items, key)
    for of in keys:
        measure(of, caller.spend)
    best = (max if name == "max" else min)(range(len(items)), key=lambda place: keys[place])
    return items[best]


def _max(caller: Caller, *values: Any, key: Any = None, **default: Any) -> Any:
    return _best(caller, "max", values, key, [*default.values()])


def _min(caller: Caller, *values: Any, key: Any = None, **default: Any) -> Any:
    return _best(caller, "min", values, key, [*default.values()])


def _print(caller: Caller, *values: Any, **keywords: Any) -> None:
    return None


def _len(caller: Caller, value: Any) -> int:
    return len(iterable(value))


def _sum(caller: Caller, items: Any, start: Any = 0) -> Any:
    total = require_number(start)
    for item in items_of(items, caller.spend):
        total = compute(ast.Add, total, require_number(item))
    return total


def _pow(caller: Caller, base: Any, exponent: Any, modulus: Any = None) -> Any:
    if modulus is None:
        return compute(ast.Pow, base, exponent)
    return bounded(pow(require_number(base), require_number(exponent), require_number(modulus)))


def _round(caller: Caller, number: Any, digits: Any = None) -> Any:
    if digits is not None and abs(require_number(digits)) > MAX_ROUND_DIGITS:
        raise ProgramError(f"round() takes at most {MAX_ROUND_DIGITS} digits")
    return round(require_number(number), digits)


def _int(caller: Caller, value: Any = 0, *base: Any) -> int:
    measure(value, caller.spend)
    return int(bounded(int(value, *base)))


def _float(caller: Caller, value: Any = 0.0) -> float:
    measure(value, caller.spend)
    return float(value)


def _str(caller: Caller, value: Any = "") -> str:
    measure(value, caller.spend)
    if kind_of(value) == "a function":
        raise ProgramError("a function has no text")
    return bounded_text(str(value))


def _range(caller: Caller, *values: Any) -> range:
    return range(*values)


def _chr(caller: Caller, number: Any) -> str:
    return chr(number)


def _isinstance(caller: Caller, value: Any, kinds: Any) -> bool:
    named = kinds if type(kinds) is tuple else (kinds,)
    if any(type(kind) is not Builtin or kind.name not in _TYPES for kind in named):
        raise ProgramError("isinstance() takes types")
    return isinstance(value, tuple(_TYPES[kind.name] for kind in named))


def _type(caller: Caller, value: Any) -> Builtin:
    if type(value).__name__ not in _TYPES:
        raise ProgramError(f"{kind_of(value)} has no type here")
    return Builtin(type(value).__name__)


def _list(caller: Caller, items: Any = ()) -> list[Any]:
    return items_of(items, caller.spend)


def _tuple(caller: Caller, items: Any = ()) -> tuple[Any, ...]:
    return tuple(items_of(items, caller.spend))


def _set(caller: Caller, items: Any = ()) -> set[Any]:
    values = items_of(items, caller.spend)
    measure(values, caller.spend)
    return set(values)


def _dict(caller: Caller, items: Any = ()) -> dict[Any, Any]:
    if type(items) is dict:
        caller.spend(len(items))
        return dict(items)
    pairs = [items_of(pair, caller.spend) for pair in items_of(items, caller.spend)]
    measure(pairs, caller.spend)
    return dict(pairs)


def _reversed(caller: Caller, items: Any) -> list[Any]:
    return items_of(items, caller.spend)[::-1]


def _enumerate(caller: Caller, items: Any, start: Any = 0) -> list[Any]:
    return list(enumerate(items_of(items, caller.spend), start))


def _zip(caller: Caller, *lists: Any) -> list[Any]:
    return list(zip(*(items_of(items, caller.spend) for items in lists), strict=False))


def _map(caller: Caller, function: Any, *lists: Any) -> list[Any]:
    return [caller.call_value(function, values, {}) for values in _zip(caller, *lists)]


def _filter(caller: Caller, function: Any, items: Any) -> list[Any]:
    values = items_of(items, caller.spend)
    return [
        value for value in values if (value if function is None else caller.call_value(function, [value], {}))
    ]


def _all(caller: Caller, items: Any) -> bool:
    return all(items_of(items, caller.spend))


def _any(caller: Caller, items: Any) -> bool:
    return any(items_of(items, caller.spend))


def _of_number(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda caller, *values: function(*map(require_number, values))


_KEYWORDS = {
    **{"sorted": ("key", "reverse"), "max": ("key", "default"), "min": ("key", "default")},
    **{"print": ("sep", "end"), "enumerate": ("start",), "sum": ("start",)},
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{"abs": _of_number(abs), "divmod": _of_number(divmod)},
    **{"bin": _of_number(bin), "hex": _of_number(hex), "oct": _of_number(oct)},
    **{"all": _all, "any": _any, "bool": lambda caller, value=False: bool(value), "chr": _chr, "dict": _dict},
    **{"enumerate": _enumerate, "filter": _filter, "float": _float, "int": _int, "isinstance": _isinstance},
    **{
        "len": _len,
        "list": _list,
        "map": _map,
        "max": _max,
        "min": _min,
        "ord": lambda caller, text: ord(text),
    },
    **{"pow": _pow, "print": _print, "range": _range, "reversed": _reversed, "round": _round, "set": _set},
    **{"sorted": sort_by, "str": _str, "sum": _sum, "tuple": _tuple, "type": _type, "zip": _zip},
}
FUNCTION_NAMES = frozenset(_FUNCTIONS)
