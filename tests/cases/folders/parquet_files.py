"""Files of Parquet that are broken, or of other types than the columns have."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cases.folders.columns import column_of, constant
from tests.cases.folders.folder import Change, Folder, first_file


def _file(table: str, make: Callable[[Path], Any]) -> Change:
    """Put something else in the place of a table's first file."""

    def change(root: Path) -> None:
        path = first_file(root, table)
        path.unlink()
        make(path)

    return change


def _cut(share: float) -> Change:
    def change(root: Path) -> None:
        path = first_file(root, "trials")
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return change


def _as(kind: pa.DataType) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda column: column.cast(kind)


def _add_columns(root: Path) -> None:
    """Give two trials a column of one name and of two types."""
    for path, value in zip(sorted((root / "trials").glob("*.parquet")), (7, ["x"]), strict=False):
        table = pq.read_table(path)
        pq.write_table(table.append_column("mine", pa.array([value])), path)


_EXPECTED = "are expected"
# Files of Parquet. What is left out is named by its file.
PARQUET = (
    Folder("a trial's file is cut off", _cut(0.5), "trials/"),
    Folder("a trial's file lost its end", _cut(0.97), "trials/"),
    Folder("a trial's file is empty", _file("trials", lambda path: path.touch()), "trials/"),
    Folder(
        "a trial's file is a text",
        _file("trials", lambda path: path.write_text("x", encoding="utf-8")),
        "trials/",
    ),
    Folder("a trial's file is a pipe", _file("trials", os.mkfifo), "not a file"),
    Folder("a trial's file is a folder", _file("trials", Path.mkdir), "not a file"),
    Folder(
        "a trial's file leads nowhere",
        _file("trials", lambda path: path.symlink_to("nowhere")),
        "missing",
    ),
    Folder("answers are a pipe", _file("predictions", os.mkfifo), None),
    Folder(
        "a rank is a list",
        column_of("trials", "rank", constant(["8"])),
        f"column rank holds list<element: string>, where whole numbers {_EXPECTED}",
    ),
    Folder(
        "an accuracy is a text",
        column_of("trials", "accuracy", constant("40%")),
        f"column accuracy holds string, where numbers {_EXPECTED}",
    ),
    Folder(
        "an arm is a number",
        column_of("trials", "arm", constant(7)),
        f"column arm holds int64, where texts {_EXPECTED}",
    ),
    Folder(
        "a status is bytes",
        column_of("trials", "status", constant(b"complete")),
        f"column status holds binary, where texts {_EXPECTED}",
    ),
    Folder(
        "a whole number is none",
        column_of("trials", "rank", constant(7.5)),
        "column rank holds double, where whole numbers",
    ),
    Folder(
        "correct is a number",
        column_of("predictions", "correct", constant(1)),
        f"column correct holds int64, where true or false {_EXPECTED}",
    ),
    Folder(
        "tokens is an object",
        column_of("predictions", "tokens", constant({"a": 1})),
        "column tokens holds struct<a: int64>",
    ),
    Folder(
        "nll is bytes",
        column_of("predictions", "nll", constant(b"1")),
        f"column nll holds binary, where numbers {_EXPECTED}",
    ),
    Folder(
        "a text as pandas' category",
        column_of("trials", "arm", lambda column: column.combine_chunks().dictionary_encode()),
        None,
    ),
    Folder("a text as a large one", column_of("trials", "arm", _as(pa.large_string())), None),
    Folder("a whole number as a float", column_of("trials", "questions", _as(pa.float64())), None),
    Folder(
        "a number as a decimal", column_of("trials", "peak_memory_bytes", _as(pa.decimal128(20, 0))), None
    ),
    Folder(
        "a column is null throughout",
        column_of("trials", "reason", lambda column: pa.nulls(len(column))),
        None,
    ),
    Folder("a column of somebody else's", _add_columns, None),
)
