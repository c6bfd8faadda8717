"""SQL over the results: DuckDB with the views `trials`, `predictions` and `history`.

    python -m analysis.query RESULTS "SELECT arm, avg(accuracy) FROM trials GROUP BY arm"
    python -m analysis.query RESULTS "..." --format csv       # or table, json

Several folders are read as one; `folder` says which a row is from. Only reading is possible: the database
is in memory and can reach no file but the results. QUERIES.md beside this file has queries to start with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
from rich import box
from rich.table import Table
from rich.text import Text

from analysis.cells import plain_cell
from analysis.command_line import open_console, results_parser, run_command
from analysis.errors import AnalysisError
from analysis.printable import printable
from analysis.reading.frames import Frames, load
from analysis.units import MISSING

TABLES = ("trials", "predictions", "history")
MOST_ROWS = 1000


def connect(frames: Frames) -> duckdb.DuckDBPyConnection:
    """Return a connection on which the views can be read and nothing outside the database can be reached."""
    connection = duckdb.connect(":memory:")
    for name in TABLES:
        connection.register(f"_{name}", getattr(frames, name))
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM _{name}")
    # After this no statement can read or write a file, load an extension, or turn it on again.
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def query(frames: Frames, sql: str) -> pa.Table:
    """Return the rows of one SELECT over the views.

    Raises:
        AnalysisError: the SQL is wrong, or it is anything but a query.
    """
    with connect(frames) as connection:
        try:
            _check(connection.extract_statements(sql))
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise AnalysisError(f"SQL: {' '.join(str(error).split())}") from None


def _check(statements: Sequence[Any]) -> None:
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise AnalysisError(
            "SQL: one SELECT is what can be run; the views trials, predictions, history are read-only"
        )


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.query", "Run SQL over the views trials, predictions and history.")
    parser.add_argument("sql", metavar="SQL", help="one SELECT")
    parser.add_argument("--format", choices=["table", "csv", "json"], default="table")
    options = parser.parse_args(arguments)
    found = query(load(*options.results), options.sql)
    if options.format == "table":
        open_console().print(_table(found))
    elif options.format == "csv":
        _write(_csv(found))
    else:
        _write(f"{json.dumps(found.to_pylist(), default=str, ensure_ascii=False, indent=1)}\n")


def _write(text: str) -> None:
    """Write to stdout: into a file as it is, to a terminal without what a terminal would obey."""
    print(printable(text) if sys.stdout.isatty() else text, end="")


def _csv(found: pa.Table) -> str:
    frame = found.to_pandas()
    frame.columns = [plain_cell(name) for name in frame.columns]
    for place, kind in enumerate(found.schema.types):
        if not pa.types.is_primitive(kind):
            frame.isetitem(place, frame.iloc[:, place].map(plain_cell))
    return str(frame.to_csv(index=False))


def _table(found: pa.Table) -> Table:
    hidden = found.num_rows - MOST_ROWS
    caption = f"{hidden} more rows: LIMIT, or --format csv" if hidden > 0 else None
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    for field in found.schema:
        numeric = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        table.add_column(Text(printable(field.name)), justify="right" if numeric else "left", overflow="fold")
    for row in found.slice(0, MOST_ROWS).to_pylist():
        table.add_row(*(Text(_show(value)) for value in row.values()))
    return table


def _show(value: Any) -> str:
    if value is None:
        return MISSING
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))


if __name__ == "__main__":
    run_command(_main)
