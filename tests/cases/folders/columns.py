"""What changes a column of a table's first file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cases.folders.folder import Change, first_file


def column_of(table: str, name: str, values: Callable[[pa.ChunkedArray], pa.Array]) -> Change:
    """Replace a column of a table's first file."""

    def change(root: Path) -> None:
        path = first_file(root, table)
        found = pq.read_table(path)
        column = values(found[name])
        pq.write_table(found.set_column(found.column_names.index(name), name, column), path)

    return change


def constant(value: Any, kind: pa.DataType | None = None) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda column: pa.array([value] * len(column), kind)
