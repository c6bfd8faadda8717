"""SQL over the results: DuckDB with the views `trials`, `predictions` and `history`.

Only reading is possible: the database is in memory and can reach no file but the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from analysis.errors import AnalysisError
from analysis.reading.frames import Frames

TABLES = ("trials", "predictions", "history")


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
