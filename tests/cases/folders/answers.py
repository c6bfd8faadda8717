"""Answers that are not those of their trial's row."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cases.folders.columns import column_of, constant
from tests.cases.folders.folder import Change, Folder, first_file


def _rows(change: Callable[[pa.Table], pa.Table]) -> Change:
    """Change the rows of the first file of answers."""

    def change_file(root: Path) -> None:
        path = first_file(root, "predictions")
        pq.write_table(change(pq.read_table(path)), path)

    return change_file


def _turned(column: pa.ChunkedArray) -> pa.Array:
    """Turn the first truth of a column."""
    first, *others = column.to_pylist()
    return pa.array([not first, *others])


def _rounded(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([round(value, 1) for value in column.to_pylist()])


def _one_twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, table.num_rows - 1), table.slice(0, 1)])


def _without(name: str) -> Change:
    """Take a column out of every trial's row, as an older study has none."""

    def change(root: Path) -> None:
        for path in (root / "trials").glob("*.parquet"):
            pq.write_table(pq.read_table(path).drop_columns([name]), path)

    return change


# Answers that are not those of their trial's row. `resumed` is not asked: a resume runs them again.
DISAGREEING = (
    Folder("answers are cut off", _rows(lambda table: table.slice(0, 4)), "holds 4 answers, and its"),
    Folder("one answer is left", _rows(lambda table: table.slice(0, 1)), "holds 1 answer, and its trial was"),
    Folder("no answer is left", _rows(lambda table: table.slice(0, 0)), "holds 0 answers, and its trial was"),
    Folder(
        "answers are doubled",
        _rows(lambda table: pa.concat_tables([table, table])),
        "holds 24 answers, 12 of them to a question that has one already, and its trial was asked 12",
    ),
    Folder("an answer stands for another", _rows(_one_twice), "Left out: "),
    Folder(
        "an answer was turned", column_of("predictions", "correct", _turned), "%, and its trial's row says"
    ),
    Folder(
        "an accuracy is another",
        column_of("trials", "accuracy", constant(99.0)),
        "%, and its trial's row says 99.0%",
    ),
    Folder(
        "an accuracy is beyond all",
        column_of("trials", "accuracy", constant(1e9)),
        "column accuracy holds 1e+09, where 0 to 100 (%) are expected",
    ),
    Folder(
        "an accuracy is no number",
        column_of("trials", "accuracy", constant(float("nan"))),
        "column accuracy holds nan, where 0 to 100 (%) are expected",
    ),
    Folder(
        "answers are another trial's",
        column_of("predictions", "trial", constant("feedfeedfeed")),
        "holds answers of another trial (feedfeedfeed)",
    ),
    Folder("an older row counts no questions", _without("questions"), None),
    Folder(
        "an accuracy is rounded",
        column_of("trials", "accuracy", _rounded),
        None,
    ),
    Folder("an accuracy is null", column_of("trials", "accuracy", lambda c: pa.nulls(1, pa.float64())), None),
)
