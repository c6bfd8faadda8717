"""A trial's rows of one table as a Parquet file: the one place that knows how they are written and read.

A study has thousands of these files of one row, so they hold the values and the schema's version, and nothing
that is the same in all: no descriptions (see `study.results.columns`), and no second schema, Arrow's.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.results.schema import STATUSES, TABLES

Row = Mapping[str, Any]

_FIELDS = {field.name: field for field in TABLES["trials"]}
# What a study goes by.
_GONE_BY = ("status", "config_json")


def encode(table: str, rows: Sequence[Row], more: Sequence[pa.Field] = ()) -> bytes:
    """Return the file of a trial's rows of `table`.

    Args:
        more: the columns of its task's scores.

    Raises:
        KeyError: the table has no such column.
    """
    schema = pa.schema([*TABLES[table], *more], metadata=TABLES[table].metadata)
    for row in rows:
        if unknown := set(row) - set(schema.names):
            raise KeyError(f"{table} has no column {sorted(unknown)}")
    arrow = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    content = io.BytesIO()
    # Statistics find rows in large files; dictionaries save what is said twice.
    options = {"store_schema": False, "write_statistics": False, "use_dictionary": len(rows) > 1}
    with pq.ParquetWriter(content, schema, compression="zstd", **options) as file:
        file.write_table(arrow)
        file.add_key_value_metadata(schema.metadata)
    return content.getvalue()


def decode(content: bytes) -> pa.Table:
    """Return the rows of a file.

    Raises:
        pa.ArrowException: it is no Parquet file.
    """
    return pq.read_table(pa.BufferReader(content))


def decode_row(content: bytes, trial_id: str, names: Sequence[str]) -> pa.Table | None:
    """Return the columns `names` of the one row of a trial, or None if it is not that, and whole.

    Raises:
        OSError, pa.ArrowException: it is no Parquet file, or a column is of another kind.
    """
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        table = _as_described(file.read(columns=list(names), use_threads=False))
    is_of_trial = "trial" in table.column_names and table["trial"].to_pylist() == [trial_id]
    return table if is_of_trial and _is_whole(table) else None


def read_row(content: bytes, trial_id: str, names: Sequence[str]) -> dict[str, Any] | None:
    """Return the one row of a trial with the columns `names`, or None if it is not that, and whole."""
    try:
        table = decode_row(content, trial_id, names)
    except (OSError, pa.ArrowException):
        return None
    return None if table is None else to_rows([table], names)[0]


def to_rows(tables: Sequence[pa.Table], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of all tables with the columns `names`; one that a table lacks is null."""
    if not tables:
        return []
    # One conversion for all is faster than one for each.
    rows = pa.concat_tables(tables, promote_options="permissive").to_pylist()
    return [_with_mappings(dict.fromkeys(names) | row) for row in rows]


def _as_described(table: pa.Table) -> pa.Table:
    """Return a trial's row with the column types of `study.results.schema`.

    Raises:
        pa.ArrowException: a column is of another kind.
    """
    fields = [_FIELDS.get(field.name, field) for field in table.schema]
    same = all(field.type == own.type for field, own in zip(fields, table.schema, strict=True))
    return table if same else table.cast(pa.schema(fields))


def _is_whole(table: pa.Table) -> bool:
    """Tell whether a row holds what a study goes by, as far as its columns were read."""
    row = {name: table[name][0].as_py() for name in _GONE_BY if name in table.column_names}
    if row.get("status", "failed") not in STATUSES:
        return False
    try:
        return isinstance(json.loads(row.get("config_json") or "{}"), dict)
    except (ValueError, RecursionError):
        return False


def _with_mappings(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "missing": dict(row["missing"] or [])} if "missing" in row else row
