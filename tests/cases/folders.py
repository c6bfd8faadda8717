"""Folders of results as people have them; what is said of each. tests/study/results runs them all.

A case takes a whole study's folder and changes something in it; each is a few lines.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Change = Callable[[Path], Any]


@dataclass(frozen=True)
class Folder:
    """A study's folder with something changed.

    Attributes:
        change: what is done to it.
        says: what the analysis must say: in its one line of error, or among its notes; None: nothing.
        refused: whether the analysis refuses the folder.
        resumed: what a resume must say in its one line of error; None: it is not asked.
    """

    name: str
    change: Change
    says: str | None
    refused: bool = False
    resumed: str | None = None


def _text(text: str | bytes) -> Change:
    content = text.encode() if isinstance(text, str) else text
    return lambda root: (root / "study.json").write_bytes(content)


def _entry(path: str, value: Any) -> Change:
    """Set an entry of study.json, as arms.0.label."""

    def change(root: Path) -> None:
        file = root / "study.json"
        description = json.loads(file.read_text(encoding="utf-8"))
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place = description
        for parent in parents:
            place = place[parent]
        place[last] = value
        file.write_text(json.dumps(description), encoding="utf-8")

    return change


def first_file(root: Path, table: str) -> Path:
    """Return the first file of a table: of the trials', one whose answers are on record."""
    answered = sorted((root / "predictions").glob("*.parquet"))[0]
    return root / table / answered.name


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


def _column(table: str, name: str, values: Callable[[pa.ChunkedArray], pa.Array]) -> Change:
    """Replace a column of a table's first file."""

    def change(root: Path) -> None:
        path = first_file(root, table)
        found = pq.read_table(path)
        column = values(found[name])
        pq.write_table(found.set_column(found.column_names.index(name), name, column), path)

    return change


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


def _file_in_place_of(name: str) -> Change:
    return lambda root: (shutil.rmtree(root / name, ignore_errors=True), (root / name).write_bytes(b"x"))


def _constant(value: Any, kind: pa.DataType | None = None) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda column: pa.array([value] * len(column), kind)


def _as(kind: pa.DataType) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda column: column.cast(kind)


_UNREADABLE = "no results folder: it has no readable study.json"
_OTHER = "written by another version of the study; it can't be resumed"
_NEEDS_PROTOCOL = "begun under an earlier protocol"

# study.json as a whole.
DESCRIPTIONS = (
    Folder("study.json is empty", _text(""), "study.json' can't be read", True, _UNREADABLE),
    Folder("study.json is cut off", _text('{"study": "a'), "study.json' can't be read", True, _UNREADABLE),
    Folder("study.json is a list", _text("[]"), "holds no JSON object", True, "holds no JSON object"),
    Folder("study.json is a number", _text("7"), "holds no JSON object", True, "holds no JSON object"),
    Folder("study.json is nested without end", _text("[" * 200_000), "can't be read", True, _UNREADABLE),
    Folder(
        "study.json has a number of 5,000 digits",
        _text('{"seed": ' + "7" * 5000 + "}"),
        "can't be read",
        True,
        _UNREADABLE,
    ),
    Folder(
        "study.json is Latin-1",
        _text('{"study": "Ü"}'.encode("latin-1")),
        "can't be read",
        True,
        _UNREADABLE,
    ),
    Folder("study.json is an empty object", _text("{}"), None, False, _OTHER),
    Folder(
        "study.json is a pipe",
        lambda root: ((root / "study.json").unlink(), os.mkfifo(root / "study.json")),
        "no results folder",
        True,
        _UNREADABLE,
    ),
    Folder(
        "study.json is a folder",
        lambda root: ((root / "study.json").unlink(), (root / "study.json").mkdir()),
        "no results folder",
        True,
        _UNREADABLE,
    ),
    Folder(
        "study.json is gone",
        lambda root: (root / "study.json").unlink(),
        "no results folder",
        True,
        _UNREADABLE,
    ),
)

# One entry of it.
ENTRIES = (
    Folder("arms is empty", _entry("arms", []), None, False, f"{_OTHER} (arms: "),
    Folder("arms is null", _entry("arms", None), None, False, f"{_OTHER} (arms: "),
    Folder(
        "arms is a number",
        _entry("arms", 7),
        "arms holds 7, where a list is expected",
        False,
        f"{_OTHER} (arms: ",
    ),
    Folder(
        "an arm is a text",
        _entry("arms.0", "lora"),
        'arms.0 holds "lora", where an object is expected',
        False,
        f"{_OTHER} (arms.0: ",
    ),
    Folder(
        "an arm's label is a list",
        _entry("arms.0.label", ["x"]),
        'arms.0.label holds ["x"], where a text',
        False,
        f"{_OTHER} (arms.0.label: ",
    ),
    Folder(
        "a count is a list",
        _entry("arms.0.search_trials", [None]),
        "arms.0.search_trials holds [null]",
        False,
        f"{_OTHER} (arms.0.search_trials: ",
    ),
    Folder(
        "a count is negative",
        _entry("arms.0.replicates", -1),
        "arms.0.replicates holds -1, where a count",
        False,
    ),
    Folder(
        "a count is true",
        _entry("arms.0.confirm_seeds", True),
        "arms.0.confirm_seeds holds true",
        False,
        f"{_OTHER} (arms.0.confirm_seeds: ",
    ),
    Folder(
        "factors is a text",
        _entry("arms.0.factors", "x"),
        "arms.0.factors holds",
        False,
        f"{_OTHER} (arms.0.factors: ",
    ),
    Folder(
        "looks is a list",
        _entry("looks", [3, 6]),
        "looks holds [3, 6], where an object",
        False,
        f"{_OTHER} (looks: ",
    ),
    Folder(
        "looks has no weights",
        _entry("looks", {"replicates": [1]}),
        "must name as many replicates as weights",
        False,
    ),
    Folder(
        "looks_taken is an object",
        _entry("looks_taken", {}),
        "looks_taken holds {}, where a list",
        False,
        f"{_OTHER} (looks_taken: ",
    ),
    Folder(
        "extensions is a text",
        _entry("extensions", "no"),
        'extensions holds "no", where a list',
        False,
        f"{_OTHER} (extensions: ",
    ),
    Folder("the seed is a text", _entry("seed", "x"), 'seed holds "x", where a number', False),
    Folder("the space is a list", _entry("space", []), "space holds [], where an object", False),
    Folder(
        "the arguments are a number",
        _entry("arguments", 1),
        "arguments holds 1, where a list",
        False,
        f"{_OTHER} (arguments: ",
    ),
    Folder("--max-disk is a text", _entry("max_disk", "x"), None, False, f"{_OTHER} (max_disk: "),
    Folder("the width is a text", _entry("search_width", "2"), None, False, f"{_OTHER} (search_width: "),
    Folder(
        "the request is a list",
        _entry("request", []),
        "request holds [], where an object",
        False,
        _OTHER,
    ),
    Folder("the request names no space", _entry("request", {}), None, False, _OTHER),
    Folder("the request's settings are a number", _entry("request.settings", 3), None, False, _OTHER),
    Folder("the version is a text", _entry("schema_version", "2"), 'schema_version holds "2"', False, _OTHER),
    Folder(
        "the version is newer",
        _entry("schema_version", 99),
        None,
        False,
        "newer version of the project (its schema is 99",
    ),
    Folder("the end is a number", _entry("finished_at", 7), "finished_at holds 7, where a text", False),
)

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
        _column("trials", "rank", _constant(["8"])),
        f"column rank holds list<element: string>, where whole numbers {_EXPECTED}",
    ),
    Folder(
        "an accuracy is a text",
        _column("trials", "accuracy", _constant("40%")),
        f"column accuracy holds string, where numbers {_EXPECTED}",
    ),
    Folder(
        "an arm is a number",
        _column("trials", "arm", _constant(7)),
        f"column arm holds int64, where texts {_EXPECTED}",
    ),
    Folder(
        "a status is bytes",
        _column("trials", "status", _constant(b"complete")),
        f"column status holds binary, where texts {_EXPECTED}",
    ),
    Folder(
        "a whole number is none",
        _column("trials", "rank", _constant(7.5)),
        "column rank holds double, where whole numbers",
    ),
    Folder(
        "correct is a number",
        _column("predictions", "correct", _constant(1)),
        f"column correct holds int64, where true or false {_EXPECTED}",
    ),
    Folder(
        "tokens is an object",
        _column("predictions", "tokens", _constant({"a": 1})),
        "column tokens holds struct<a: int64>",
    ),
    Folder(
        "nll is bytes",
        _column("predictions", "nll", _constant(b"1")),
        f"column nll holds binary, where numbers {_EXPECTED}",
    ),
    Folder(
        "a text as pandas' category",
        _column("trials", "arm", lambda column: column.combine_chunks().dictionary_encode()),
        None,
    ),
    Folder("a text as a large one", _column("trials", "arm", _as(pa.large_string())), None),
    Folder("a whole number as a float", _column("trials", "questions", _as(pa.float64())), None),
    Folder("a number as a decimal", _column("trials", "peak_memory_bytes", _as(pa.decimal128(20, 0))), None),
    Folder(
        "a column is null throughout",
        _column("trials", "reason", lambda column: pa.nulls(len(column))),
        None,
    ),
    Folder("a column of somebody else's", lambda root: _add_columns(root), None),
)


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
    Folder("an answer was turned", _column("predictions", "correct", _turned), "%, and its trial's row says"),
    Folder(
        "an accuracy is another",
        _column("trials", "accuracy", _constant(99.0)),
        "%, and its trial's row says 99.0%",
    ),
    Folder(
        "an accuracy is beyond all",
        _column("trials", "accuracy", _constant(1e9)),
        "column accuracy holds 1e+09, where 0 to 100 (%) are expected",
    ),
    Folder(
        "an accuracy is no number",
        _column("trials", "accuracy", _constant(float("nan"))),
        "column accuracy holds nan, where 0 to 100 (%) are expected",
    ),
    Folder(
        "answers are another trial's",
        _column("predictions", "trial", _constant("feedfeedfeed")),
        "holds answers of another trial (feedfeedfeed)",
    ),
    Folder("an older row counts no questions", _without("questions"), None),
    Folder(
        "an accuracy is rounded",
        _column("trials", "accuracy", _rounded),
        None,
    ),
    Folder("an accuracy is null", _column("trials", "accuracy", lambda c: pa.nulls(1, pa.float64())), None),
)

# What stands in the place of a folder; a resume refuses it.
IN_PLACE_OF_FOLDERS = tuple(
    Folder(
        f"{name} is a file",
        _file_in_place_of(name),
        None,
        False,
        f"{name}' is a file; a study keeps a folder there: move it away",
    )
    for name in (
        "trials",
        "predictions",
        "history",
        "logs",
        "models",
        "checkpoints",
        "candidates",
        "tracking",
    )
)


def _add_columns(root: Path) -> None:
    """Give two trials a column of one name and of two types."""
    for path, value in zip(sorted((root / "trials").glob("*.parquet")), (7, ["x"]), strict=False):
        table = pq.read_table(path)
        pq.write_table(table.append_column("mine", pa.array([value])), path)


# What stands beside the study: (name, change, whether a note says that trials count once).
def _copied(part: float) -> Change:
    def change(root: Path) -> None:
        other = root.with_name("copy")
        shutil.copytree(root, other)
        paths = sorted((other / "trials").glob("*.parquet"))
        for path in paths[int(len(paths) * part) :]:
            path.unlink()

    return change


COPIES = (
    ("a whole copy", _copied(1.0), True),
    ("half a copy", _copied(0.5), True),
    ("a link to it", lambda root: root.with_name("copy").symlink_to(root), False),
)

# A cell, and what stands in CSV for it.
CELLS = (
    ("=1+1", "'=1+1"),
    ("+cmd", "'+cmd"),
    ("-x", "'-x"),
    ("@sum", "'@sum"),
    ("\tx", "'\tx"),
    ("\rx", "'\rx"),
    ("\n=1", "'\n=1"),
    ("＝1+1", "'＝1+1"),
    ("-1.5", "-1.5"),
    ("+3e-4", "+3e-4"),
    ("-1/3", "'-1/3"),
    ("a=1", "a=1"),
    (-1.5, -1.5),
    (None, None),
)
