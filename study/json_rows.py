"""The rows of a JSON file: an object a line, one array of objects, or one object of columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from study.csv_rows import Fault
from study.errors import UserError
from study.row_shapes import CHAT_COLUMNS

# Numbers are those that are written: 0.1, and not the nearest float.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)


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
    is_line = not isinstance(_parse(head), Fault)
    if head.lstrip().startswith("[") or (may_be_one and head.lstrip().startswith("{")):
        rest = stream.read()
        if not is_line or not rest.strip():
            yield from enumerate(_rows(path, _whole(path, head + rest)), start=1)
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
        raise UserError(f"data file '{path}' is no JSON: {error.msg} ({where})") from None
    except (ValueError, RecursionError):
        raise UserError(f"data file '{path}' is no JSON that can be read: it is nested too deep") from None


def _rows(path: Path, value: Any) -> list[Any]:
    """Return the rows of an array, of an object that holds one, or of an object of columns."""
    if isinstance(value, list):
        return value
    assert isinstance(value, dict)
    if all(not isinstance(part, dict | list) for part in value.values()):
        return [value]  # one row, alone in its file
    arrays = [part for name, part in value.items() if name not in CHAT_COLUMNS and _holds_objects(part)]
    if len(arrays) == 1:
        return arrays[0]
    columns = [[*part.values()] if isinstance(part, dict) else part for part in value.values()]
    if all(isinstance(part, list) for part in columns) and len({*map(len, columns)}) == 1:
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    raise UserError(
        f"data file '{path}' is one JSON object with the keys {', '.join(map(str, value))}; valid: an array "
        "of objects, an object a line, or an object with one array of objects in it"
    )


def _holds_objects(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(item, dict) for item in part)


def _parse(line: str) -> Any:
    """Return what a line of JSON says, its numbers as they are written; a `Fault` for what is no JSON."""
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError):  # not JSON, or nested without end
        return Fault("not a JSON object")
