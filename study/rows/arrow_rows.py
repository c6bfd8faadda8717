"""The rows of Parquet and Arrow files, of which only the columns that are needed are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.errors import UserError

_BATCH_ROWS = 4096


class ArrowRows:
    """The columns and the rows of one Parquet or Arrow file."""

    def __init__(self, path: Path, kind: str) -> None:
        """Read the schema.

        Args:
            kind: ".parquet" or ".arrow", which is a stream, as `datasets` saves it, or a file (Feather).

        Raises:
            UserError: it can't be read, or has two columns of one name.
        """
        self._path, self._kind = path, kind
        with self._reading():
            self.columns: list[str] = self._schema().names
        if not self.columns:
            raise UserError(f"data file '{path}' has no columns")
        if twice := [name for name in self.columns if self.columns.count(name) > 1]:
            raise UserError(f"data file '{path}' has two columns named '{twice[0]}'")

    def read(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Yield (row number from 1, row with these columns)."""
        number = 0
        with self._reading():
            for batch in self._batches(columns):
                cells = [_cells(batch.column(name)) for name in columns]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield number, dict(zip(columns, row, strict=True))

    def _schema(self) -> Any:
        if self._kind == ".parquet":
            return pq.ParquetFile(self._path).schema_arrow
        return _open_arrow(self._path).schema

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        if self._kind == ".parquet":
            yield from pq.ParquetFile(self._path).iter_batches(_BATCH_ROWS, columns=[*columns])
            return
        reader = _open_arrow(self._path)
        if isinstance(reader, pa.RecordBatchFileReader):
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            batches = iter(reader)
        for batch in batches:
            # Arrow takes offsets as they come: those of a broken file lead out of memory.
            batch.validate(full=True)
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                yield batch.slice(start, _BATCH_ROWS)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError, OverflowError):  # names that are no text, sizes
            what = {".parquet": "Parquet", ".arrow": "Arrow"}[self._kind]
            raise UserError(f"data file '{self._path}' is no readable {what} file") from None


def _open_arrow(path: Path) -> Any:
    source = pa.OSFile(str(path))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _cells(column: Any) -> list[Any]:
    """Return a column's values, short floats as the decimals they stand for: 0.1, not 0.10000000149011612.

    Bytes are read as UTF-8; what is none of it reads as half pairs, which no text may have.
    """
    if pa.types.is_float16(column.type) or pa.types.is_float32(column.type):
        column = pc.cast(column, pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            return list(column.to_pylist())
        except UnicodeDecodeError:
            column = column.cast(pa.large_binary())
    values = column.to_pylist()
    return [value.decode(errors="surrogateescape") if isinstance(value, bytes) else value for value in values]
