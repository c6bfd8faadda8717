"""The rows of a CSV file, whatever wrote it: commas, semicolons or tabs between cells, Excel's `sep=;`.

A quote that never closes would swallow the rows after it. Where that shows, the row is no row but a `Fault`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from study.errors import UserError
from study.sizes import count_of

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
# The end of a row within a cell: a delimiter, a number, and the line's end.
_ROW_END = re.compile(r"[,;\t|]\s*\"?(?:#### ?)?-?\d+(?:\.\d+)?\"?\s*\r?\n")


class Fault(str):
    """What is wrong with a row that could not be read."""


class CsvRows:
    """The header and the rows of one CSV file.

    Attributes:
        columns: the names in the header, without white space around them.
        delimiter: what stands between cells.
    """

    def __init__(self, path: Path, stream: IO[str], wanted: Sequence[str], delimiter: str | None) -> None:
        """Read the header of `stream`; `wanted` names the columns by which a delimiter is found.

        Raises:
            UserError: there is no header, or it names a column twice.
        """
        self._path, self._stream = path, stream
        first = stream.readline()
        if separator := _SEPARATOR_LINE.fullmatch(first):
            delimiter, first = separator[1], stream.readline()
        if not first.strip():
            raise UserError(f"data file '{path}' has no rows: its first line must name the columns")
        self.delimiter = delimiter or _find_delimiter(first, wanted)
        self._reader = csv.reader(chain([first], stream), delimiter=self.delimiter, strict=True)
        try:
            header = next(self._reader)
        except csv.Error as error:
            raise UserError(
                f"data file '{path}': its first line can't be read as a header ({error})"
            ) from None
        self._width = len(header)  # with Excel's empty columns at the end, which stand in each row
        self.columns = [name.strip() for name in header]
        while self.columns and not self.columns[-1]:
            self.columns.pop()
        if twice := [name for name in self.columns if self.columns.count(name) > 1]:
            raise UserError(f"data file '{path}' has two columns named '{twice[0]}'")

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yield (row number from 1, the row by column, or a `Fault`)."""
        number = 0
        while True:
            number, line = number + 1, self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, Fault(_explain(error, line))
                if "unexpected end" in str(error):
                    return
                continue
            if any(cells):
                yield number, self._row(cells, line)
            else:
                number -= 1  # an empty line, as spreadsheets leave them at the end

    def _row(self, cells: list[str], line: int) -> dict[str, str] | Fault:
        width = len(self.columns)
        if not width <= len(cells) <= self._width or any(cells[width:]):
            return Fault(
                f"{count_of(len(cells), 'cell')} where the header has {width} (line {line}); a text with "
                f"{_NAMES.get(self.delimiter, repr(self.delimiter))} in it must stand in double quotes"
            )
        for cell in cells:
            if "\n" in cell and _ROW_END.search(cell) and '"' not in cell and width > 1:
                return Fault(f"the quote that opens on line {line} closes rows later; its end is missing")
        return dict(zip(self.columns, cells, strict=False))


def _find_delimiter(header: str, wanted: Sequence[str]) -> str:
    """Return the delimiter by which the header has the wanted columns, else the one by which it has most."""

    def columns(delimiter: str) -> list[str]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return [cell.strip().casefold() for cell in cells]

    known = {name.casefold() for name in wanted}
    return max(DELIMITERS, key=lambda sign: (len(known & {*columns(sign)}), len(columns(sign))))


def _explain(error: csv.Error, line: int) -> str:
    never = f"the quote that opens on line {line} or after it never closes"
    if "unexpected end" in str(error):
        return never
    if "field larger" in str(error):
        return f"a cell has more than {csv.field_size_limit():,} characters (line {line}), or {never}"
    return (
        f"a double quote within a text must be doubled ('\"\"'), and the text stand in quotes (line {line})"
    )
