"""A file of rows, of any kind that is read: which kind it is, its columns, and its rows one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.rows.arrow_rows import ArrowRows
from study.rows.csv_rows import CsvRows, Fault
from study.rows.json_rows import read_json
from study.rows.shapes import Shape
from study.rows.text_files import COMPRESSIONS, Encoding, find_encoding, open_text

TEXT_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet", ".arrow")
# Rows whose columns are taken to be those of a JSON file, which has no header.
_HEAD_ROWS = 50


@dataclass(frozen=True)
class FileKind:
    """What a file's name says: `suffix`, one of `SUFFIXES`, and how it is compressed, or None."""

    suffix: str
    compression: str | None = None


def file_kind(path: Path) -> FileKind | None:
    """Return the kind of a file by its name (of a link: by its own, or else its target's), or None."""
    for name in dict.fromkeys((path.name, path.resolve().name)):
        stem, compression = name.lower(), None
        for ending, word in COMPRESSIONS.items():
            if stem.endswith(ending):
                stem, compression = stem.removesuffix(ending), word
        for suffix in SUFFIXES:
            if stem.endswith(suffix) and (compression is None or suffix in TEXT_SUFFIXES):
                return FileKind(suffix, compression)
    return None


def describe_kinds() -> str:
    """Return the kinds of files that are read, in words."""
    return f"{', '.join(SUFFIXES)}, and the text ones with {', '.join(COMPRESSIONS)}"


class RowFile:
    """One file of rows.

    Attributes:
        path: where it is.
        columns: the names of its columns; of a JSON file, of its first rows.
        note: what has to be said of how it is read, or None.
    """

    def __init__(self, path: Path, wanted: Sequence[str]) -> None:
        """Look at the file.

        Args:
            wanted: names of columns that it may have, by which a CSV file's delimiter is found.

        Raises:
            UserError: it is of no known kind, or can't be read.
        """
        kind = file_kind(path)
        if kind is None:
            hint = "; save the sheet as CSV" if path.suffix.lower() in (".xlsx", ".xls", ".ods") else ""
            raise UserError(f"data file '{path}' must end in {describe_kinds()}{hint}")
        self.path, self._kind, self._wanted = path, kind, wanted
        self._arrow: ArrowRows | None = None
        self._encoding = Encoding("utf-8")
        if kind.suffix in TEXT_SUFFIXES:
            self._encoding = find_encoding(path, kind.compression)
            self.columns = self._text_columns()
        else:
            self._arrow = ArrowRows(path, kind.suffix)
            self.columns = self._arrow.columns
        self.note = self._encoding.note

    def read(self, shape: Shape) -> Iterator[tuple[int, Any]]:
        """Yield (row number from 1, row or `Fault`)."""
        if self._arrow is not None:
            return self._arrow.read(shape.columns)
        return self._read_text()

    def _read_text(self) -> Iterator[tuple[int, Any]]:
        suffix, is_csv = self._kind.suffix, self._is_csv
        newline = "" if is_csv else "\n"
        with open_text(self.path, self._kind.compression, self._encoding, newline) as stream:
            if is_csv:
                yield from self._csv(stream)
            else:
                yield from read_json(self.path, stream, may_be_one=suffix == ".json")

    @property
    def _is_csv(self) -> bool:
        return self._kind.suffix in (".csv", ".tsv")

    def _csv(self, stream: Any) -> CsvRows:
        return CsvRows(self.path, stream, self._wanted, "\t" if self._kind.suffix == ".tsv" else None)

    def _text_columns(self) -> list[str]:
        if self._is_csv:
            with open_text(self.path, self._kind.compression, self._encoding, "") as stream:
                return self._csv(stream).columns
        names: dict[str, None] = {}
        for _, row in islice(self._read_text(), _HEAD_ROWS):
            if isinstance(row, dict) and not isinstance(row, Fault):
                names |= dict.fromkeys(map(str, row))
        return [*names]
