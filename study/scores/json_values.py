"""JSON values: reading one out of an output, whatever it holds, and comparing two.

    text = read_json('Here it is:\\n```json\\n{"who": "Ann"}\\n```', {})    # '{"who": "Ann"}'

What counts as JSON is strict: no NaN, no number that no float holds, no key twice, no half of a surrogate
pair, nothing nested deeper than `MAX_DEPTH`. A value is held as canonical text: keys in order, 2.0 as 2. So
two texts are equal where the values are.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from study.tasks.task import Row

MAX_DEPTH = 50
MAX_DIGITS = 309  # of the largest float
# Places of an output where a value may begin; more are no text but noise.
MAX_BEGINNINGS = 100

_FENCED = re.compile(r"```\w*\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
_BEGINNING = re.compile(r"[{\[]")

Leaf = tuple[tuple[str | int, ...], str]


def read_json(output: str, row: Row) -> str | None:
    """Return the first JSON value of an output as canonical text, or None.

    It is the whole output (or its first fenced block), else the first object or list in it.
    """
    fenced = _FENCED.search(output)
    text = (fenced[1] if fenced else output).strip()
    try:
        return canonical(parse_json(text))
    except ValueError:
        pass
    for found, _ in zip(_BEGINNING.finditer(text), range(MAX_BEGINNINGS), strict=False):
        try:
            return canonical(_decode(text[found.start() :])[0])
        except ValueError:
            continue
    return None


def parse_json(text: str) -> Any:
    """Return the value of a text that is JSON and nothing else.

    Raises:
        ValueError: it is not; the message says why.
    """
    text = text.strip()
    value, end = _decode(text)
    if end < len(text):
        raise ValueError(f"something stands behind the value, at character {end}")
    return value


def canonical(value: Any) -> str:
    """Return a JSON value as text, the same for the same value.

    Raises:
        ValueError: a text in it can't be written as UTF-8.
    """
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)
    text.encode()
    return text


def leaves(value: Any) -> frozenset[Leaf]:
    """Return the (path, value) pairs of a JSON value.

    A path has the keys of objects and the indexes of lists. At its end stands, as canonical text, what holds
    no other value: a text, a number, true, false, null, an empty object or list.
    """
    return frozenset(_leaves(value, ()))


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[Leaf]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _leaves(part, (*path, index))
    else:
        yield path, canonical(value)


def _decode(text: str) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    _check_depth(value)
    return value, end


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for of in level for part in _parts(of)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _plain(value: Any) -> Any:
    """Return a value whose whole numbers are whole, however they were written."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


def _integer(digits: str) -> int:
    if len(digits) <= MAX_DIGITS + 1:
        _float(digits)
        return int(digits)
    raise ValueError("a number that no float holds")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number that no float holds")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
