"""The data: problems with worked answers, read from a few layouts, and the split that scores the search.

    FOLDER/{main,socratic}/{train,test}.jsonl     GSM8K; {train,test}-*.parquet as the Hub keeps openai/gsm8k
    FOLDER/{train,test}.jsonl                     data of one's own; also .csv or .parquet, test optional
    FILE.jsonl                                    the same in one file; a test split is held out of it

Every row has a question and an answer. The answer's last line is `#### n`, or the answer is a number: one, as
`study.answers.read_reference` reads it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.answers import NotOneNumber, format_number, marked_number, read_reference
from study.errors import UserError, unknown_name

SUFFIXES = (".jsonl", ".csv", ".parquet")
# Share of the questions that becomes the test split, where the data has none.
TEST_SHARE = 0.2
# Characters of a bad answer that its message shows.
MOST_SHOWN = 60
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Columns:
    """The names of the two columns that are read."""

    question: str = "question"
    answer: str = "answer"


GSM8K_COLUMNS = Columns()
# As m-a-p/CodeFeedback-Filtered-Instruction has them.
CODE_COLUMNS = Columns("query", "answer")


@dataclass(frozen=True)
class Problem:
    """One question and its worked answer, as the data has them."""

    question: str
    answer: str

    @property
    def question_id(self) -> str:
        """A 16-digit hash of the question: the same question has the same id in every study."""
        return hashlib.sha256(self.question.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Split:
    """The usable rows of one split.

    Attributes:
        skipped: rows that could not be used and are left out.
        held_out: whether the split is held out of the train file, for the data has no test split.
    """

    problems: tuple[Problem, ...]
    skipped: int = 0
    held_out: bool = False


class BadRow(UserError):
    """A row that can't be used; the message names the file and the row."""


def load_split(
    source: Path,
    variant: str,
    split: str,
    *,
    columns: Columns = GSM8K_COLUMNS,
    skip_bad_rows: bool = False,
) -> Split:
    """Return the problems of one split ("train" or "test") of one variant.

    Raises:
        UserError: a missing folder or file, no rows, a column that is not there, or (unless
            `skip_bad_rows`) an answer without a final number; file and row are named.
    """
    folder = _variant_folder(source, variant)
    is_divided = folder.is_dir() and _split_file(folder, "test") is not None
    file = folder if folder.is_file() else _split_file(folder, split if is_divided else "train")
    assert file is not None
    rows = _usable_rows(file, columns, _check_number, skip_bad_rows=skip_bad_rows)
    if is_divided:
        return rows
    rest, test = hold_out(rows.problems, round(TEST_SHARE * len(rows.problems)), seed=0)
    if split == "test":
        return Split(tuple(test), held_out=True)
    return Split(tuple(rest), rows.skipped)


def load_code(folder: Path, *, skip_bad_rows: bool = False) -> Split:
    """Return the rows of a code data set: `query` as the question, `answer` as the answer.

    The layout is that of m-a-p/CodeFeedback-Filtered-Instruction (columns query, answer, resource, lang; the
    last two are not read and may be missing): a file, or a folder with one file in it, under any name.

    Raises:
        UserError: a missing folder or file, no rows, or a row that can't be used, named by file and row.
    """
    files = [folder] if folder.is_file() else _data_files(folder, "*")
    if len(files) != 1:
        raise UserError(f"code data folder '{folder}' needs one {_suffixes()} file, found {_names(files)}")
    return _usable_rows(files[0], CODE_COLUMNS, lambda problem, where: problem, skip_bad_rows=skip_bad_rows)


def hold_out(problems: Iterable[Problem], questions: int, seed: int) -> tuple[list[Problem], list[Problem]]:
    """Split problems into (rest, held out), see `choose_held_out`."""
    problems = list(problems)
    held_out = choose_held_out((problem.question for problem in problems), questions, seed)
    rest = [problem for problem in problems if problem.question not in held_out]
    return rest, [problem for problem in problems if problem.question in held_out]


def choose_held_out(questions: Iterable[str], count: int, seed: int) -> set[str]:
    """Return the questions that are held out, by a seeded hash of the question.

    So a question that stands in the data twice lands on one side. They are `count` distinct questions,
    unless that would be more than half of them.

    Raises:
        UserError: there are too few distinct questions to hold any out.
    """
    ranked = sorted(set(questions), key=lambda text: _seeded_hash(text, seed))
    held_out = set(ranked[: min(count, len(ranked) // 2)])
    if not held_out:
        raise UserError("the data needs at least 2 distinct questions, to hold a split out of it")
    return held_out


def fingerprint(*splits: Split) -> str:
    """Return a 16-digit hash of the rows of `splits`, in their order."""
    total = hashlib.sha256()
    for split in splits:
        for problem in split.problems:
            total.update(json.dumps([problem.question, problem.answer]).encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def _variant_folder(source: Path, variant: str) -> Path:
    """Return the folder of a variant's splits; data of one's own is one file or folder, and main alone."""
    if not source.exists():
        raise UserError(f"data '{source}' does not exist")
    if (source / variant).is_dir():
        return source / variant
    own = source.is_file() or bool(_data_files(source, "train*"))
    if own and variant == "main":
        return source
    if own:
        raise UserError(
            f"data '{source}' has no variant '{variant}': --set variant=main runs the main arms alone"
        )
    found = [path.name for path in source.iterdir() if path.is_dir() and not path.name.startswith(".")]
    raise unknown_name(f"variant in data folder '{source}'", variant, found)


def _split_file(folder: Path, split: str) -> Path | None:
    """Return the file of a split, or None for a test split that is not there."""
    files = _data_files(folder, f"{split}*")
    if not files and split == "test":
        return None
    if len(files) != 1:
        raise UserError(
            f"data folder '{folder}' needs one {split} file ({_suffixes()}), found {_names(files)}"
        )
    return files[0]


def _data_files(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"data folder '{folder}' does not exist")
    return sorted(path for path in folder.glob(pattern) if path.suffix in SUFFIXES)


def _suffixes() -> str:
    return ", ".join(SUFFIXES)


def _names(files: list[Path]) -> str:
    return ", ".join(path.name for path in files) or "none"


def _usable_rows(
    path: Path, columns: Columns, check: Callable[[Problem, str], Problem], *, skip_bad_rows: bool
) -> Split:
    problems, skipped = [], 0
    for number, row in _read_rows(path):
        where = f"{path}, row {number}"
        try:
            problems.append(check(_problem(row, where, columns), where))
        except BadRow as error:
            if not skip_bad_rows:
                raise BadRow(f"{error}; --skip-bad-rows counts such rows and goes on") from None
            skipped += 1
    if not problems:
        raise UserError(f"data file '{path}' has no rows" + (f" but {skipped} bad ones" if skipped else ""))
    return Split(tuple(problems), skipped)


def _read_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row number from 1, row) of a JSONL, CSV or Parquet file."""
    if path.suffix == ".parquet":
        try:
            yield from enumerate(_as_written(pq.read_table(path, partitioning=None)).to_pylist(), start=1)
        except pa.ArrowInvalid:
            raise UserError(f"data file '{path}' is no readable Parquet file") from None
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            yield from enumerate(csv.DictReader(lines), start=1)
    elif path.suffix == ".jsonl":
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _parse(line)
    else:
        raise UserError(f"data file '{path}' must end in {_suffixes()}")


def _as_written(table: pa.Table) -> pa.Table:
    """Return the table with short floats as the decimals they stand for: 0.1, and not 0.10000000149011612."""
    for place, field in enumerate(table.schema):
        if pa.types.is_float16(field.type) or pa.types.is_float32(field.type):
            texts = pc.cast(table[field.name], pa.string())
            table = table.set_column(place, field.name, texts)
    return table


def _parse(line: bytes) -> Any:
    """Return what a line of JSON says, its numbers as they are written; None for what is no JSON."""
    try:
        return json.loads(line, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        return None


def _problem(row: Any, where: str, columns: Columns) -> Problem:
    if not isinstance(row, dict):
        raise BadRow(f"{where}: not a JSON object")
    texts = []
    for column in (columns.question, columns.answer):
        if column not in row:
            there = ", ".join(map(str, row))
            raise BadRow(f"{where}: no column '{column}'; columns there: {there}{_columns_hint(columns)}")
        value = row[column]
        if (
            column == columns.answer
            and isinstance(value, int | float | Decimal)
            and not isinstance(value, bool)
        ):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            raise BadRow(f"{where}: column '{column}' must be text that is not empty")
        if _NO_TEXT.search(value):
            raise BadRow(f"{where}: column '{column}' has a character that no text has (a NUL, half a pair)")
        texts.append(value)
    return Problem(*texts)


def _columns_hint(columns: Columns) -> str:
    if columns == CODE_COLUMNS:
        return "; code data needs both query and answer"
    return "; --question-column and --answer-column name yours"


def _check_number(problem: Problem, where: str) -> Problem:
    """Return the problem with a `#### n`, which a bare number as the answer gets."""
    try:
        number = read_reference(problem.answer)
    except NotOneNumber as error:
        raise BadRow(
            f"{where}: the answer must be one number, after '####' or alone, with at most a currency or a "
            f"unit beside it, but {error}; received {_shown(problem.answer)}; "
            "valid: '#### 18', '#### $1,234.50', '3/4', '18 apples'"
        ) from None
    # A full-width mark is one; what looks for it later knows the ASCII one.
    answer = problem.answer.replace("\uff03", "#")
    if marked_number(answer) is not None:
        return Problem(problem.question, answer)
    return Problem(problem.question, f"#### {format_number(number)}")


def _shown(answer: str) -> str:
    """Return what a message shows of an answer: from its mark on, on the line of the last one."""
    line = answer.rfind("\n", 0, max(0, answer.rfind("####"))) + 1
    text = answer[max(line, answer.find("####", line)) :]
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}...")


def _seeded_hash(text: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{text}".encode()).hexdigest()
