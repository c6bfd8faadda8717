"""Rows as the bytes of a file."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cases.files.rows import Row


def jsonl(rows: Sequence[Row | str]) -> bytes:
    """Return rows as JSON Lines; a string goes in as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def table(rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    """Return rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0]], delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def parquet(rows: Sequence[Row], schema: Any = None) -> bytes:
    """Return rows as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([*rows], schema=schema), sink)
    return sink.getvalue().to_pybytes()


def arrow(rows: Sequence[Row], *, stream: bool = True) -> bytes:
    """Return rows as an Arrow stream, as `datasets` saves them, or as an Arrow file."""
    sink, rows_table = pa.BufferOutputStream(), pa.Table.from_pylist([*rows])
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, rows_table.schema) as writer:
        writer.write_table(rows_table)
    return sink.getvalue().to_pybytes()


def zstd(content: bytes) -> bytes:
    """Return the content compressed by Zstandard."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def card(configs: str) -> bytes:
    """Return a README.md with configurations."""
    return f"---\nlicense: mit\nconfigs:\n{configs}---\n# A set\n".encode()
