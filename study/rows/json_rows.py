"""The rows of a JSON file: an object a line, one array of objects, or one object of columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePath
from typing import IO, Any

from study.errors import UserError
from study.rows.csv_rows import Fault
from study.rows.shapes import CHAT_COLUMNS, show_names
from study.rows.split_names import splits_of

_NO_OBJECT = Fault("not a JSON object")
_NOT_WHOLE = Fault(
    "no whole JSON object on one line; valid: one object a line, or a file named .json with an array of them"
)
_SEVERAL = Fault("more on one line than one JSON value; valid: one object a line")


@dataclass(frozen=True)
class _TwoOfAKey:
    """An object with a key twice, of which either value may be meant: no row, nor any text within one."""

    key: str

    def __str__(self) -> str:
        return f"the key '{show_names([self.key])}' is there twice"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _TwoOfAKey:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    return _TwoOfAKey(next(name for name in names if names.count(name) > 1))


# Numbers are those that are written: 0.1, and not the nearest float.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_object)


def read_json_lines(stream: Iterable[str]) -> Iterator[tuple[int, Any]]:
    """Yield (line number from 1, what the line says, or a `Fault`)."""
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield number, _parse(line)


def read_json(path: Path, stream: IO[str], *, may_be_one: bool) -> Iterator[tuple[int, Any]]:
    """Yield (row number from 1, row) of a file that is one JSON value, or has one a line.

    Args:
        may_be_one: whether a file that begins with an object may be one object of columns.

    Raises:
        UserError: it is one value, and that is no JSON, or no rows.
    """
    first, head = 1, stream.readline()
    while head and not head.strip():
        first, head = first + 1, stream.readline()
    is_line = _parse(head) not in (_NO_OBJECT, _NOT_WHOLE, _SEVERAL)
    if head.lstrip().startswith("[") or (may_be_one and head.lstrip().startswith("{")):
        rest = stream.read()
        if not is_line or not rest.strip():
            yield from enumerate(map(_row, _rows(path, _whole(path, head + rest))), start=1)
            return
        yield from read_json_lines(iter([head, *rest.split("\n")]))
        return
    if head:
        yield first, _parse(head)
    for number, row in read_json_lines(stream):
        yield number + first, row


def _whole(path: Path, text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        several = error.msg == "Extra data"
        hint = "; several values must be an array, or stand each on a line of its own" if several else ""
        raise UserError(f"data file '{path}' is no JSON: {error.msg} ({where}){hint}") from None
    except (ValueError, RecursionError):
        raise UserError(f"data file '{path}' is no JSON that can be read: it is nested too deep") from None


def _rows(path: Path, value: Any) -> list[Any]:
    """Return the rows of an array, of an object that holds one, or of an object of columns."""
    if isinstance(value, list):
        return value
    for part in [value, *(value.values() if isinstance(value, dict) else ())]:
        if isinstance(part, _TwoOfAKey):
            raise UserError(f"data file '{path}' is one JSON object in which {part}")
    assert isinstance(value, dict)
    if all(not isinstance(part, dict | list) for part in value.values()):
        return [value]  # one row, alone in its file
    if (rows := _array(path, value)) is not None:
        return rows
    columns = _columns(path, value)
    if columns and len({*map(len, columns)}) == 1:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    raise UserError(
        f"data file '{path}' is one JSON object with the keys {show_names([*value])}; valid: an array "
        "of objects, an object a line, or an object with one array of objects in it"
    )


def _array(path: Path, value: dict[str, Any]) -> list[Any] | None:
    """Return the one array of objects that an object holds, or None where it holds none."""
    arrays = [name for name, part in value.items() if name not in CHAT_COLUMNS and _holds_objects(part)]
    if len(arrays) > 1 and len(arrays) == len(value):
        raise UserError(
            f"data file '{path}' has several arrays of objects, {show_names(arrays)}; valid: a file a split"
        )
    if len(arrays) == 1:
        if splits_of(PurePath(arrays[0])) - {"train"}:
            raise UserError(
                f"data file '{path}' has one array of objects, '{show_names(arrays)}', which its name says "
                "is no training data; valid: a folder with a file a split"
            )
        return value[arrays[0]]
    return None


def _columns(path: Path, value: dict[str, Any]) -> list[list[Any]]:
    """Return the cells of an object of columns, by their keys where it has keys for rows; else nothing."""
    parts = [*value.values()]
    if all(isinstance(part, list) for part in parts):
        return parts
    if not all(isinstance(part, dict) for part in parts):
        return []
    for name, part in value.items():
        if part.keys() != parts[0].keys():
            raise UserError(
                f"data file '{path}' is an object of columns whose rows have other keys in the column "
                f"'{show_names([name])}' than in '{show_names([*value][:1])}'; valid: the same keys in each"
            )
    return [[part[key] for key in parts[0]] for part in parts]


def _holds_objects(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(item, dict | _TwoOfAKey) for item in part)


def _row(value: Any) -> Any:
    return Fault(value) if isinstance(value, _TwoOfAKey) else value


def _parse(line: str) -> Any:
    """Return what a line of JSON says, its numbers as they are written; a `Fault` for what is no JSON."""
    try:
        return _row(_DECODER.decode(line))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _SEVERAL
        text = line.strip()
        is_open = text.startswith("{") and error.pos >= len(line.rstrip())
        return _NOT_WHOLE if is_open and not text.endswith("}") else _NO_OBJECT
    except (ValueError, RecursionError):  # nested without end, or a number without end
        return _NO_OBJECT
