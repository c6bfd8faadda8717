"""The data: problems with worked answers, read from one layout, and the split that scores the search.

    FOLDER/{main,socratic}/{train,test}.jsonl      or {train,test}-*.parquet, as the Hub keeps openai/gsm8k

Every row has a `question` and an `answer` whose last line is `#### n`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.answers import marked_number
from study.errors import UserError, unknown_name

COLUMNS = ("question", "answer")


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
    """The usable rows of one file and the number of rows that were skipped."""

    problems: tuple[Problem, ...]
    skipped: int = 0


class BadRow(UserError):
    """A row that can't be used; the message names the file and the row."""


def load_split(folder: Path, variant: str, split: str, *, skip_bad_rows: bool = False) -> Split:
    """Return the problems of one split ("train" or "test") of one variant.

    Raises:
        UserError: a missing folder or file, no rows, a column that is not there, or (unless
            `skip_bad_rows`) an answer without a final number; file and row are named.
    """
    path = _split_file(folder, variant, split)
    problems, skipped = [], 0
    for number, row in _read_rows(path):
        try:
            problems.append(_problem(row, f"{path}, row {number}"))
        except BadRow as error:
            if not skip_bad_rows:
                raise BadRow(f"{error}; --skip-bad-rows counts such rows and goes on") from None
            skipped += 1
    if not problems:
        raise UserError(f"data file '{path}' has no rows" + (f" but {skipped} bad ones" if skipped else ""))
    return Split(tuple(problems), skipped)


def hold_out(problems: tuple[Problem, ...], questions: int, seed: int) -> tuple[list[Problem], list[Problem]]:
    """Split training problems into (train, validation) by a seeded hash of the question.

    A question that stands in the data twice lands on one side. The validation side has at least
    `questions` rows, unless that would take more than half of the data.

    Raises:
        UserError: there are too few distinct questions to hold any out.
    """
    ranked = sorted({problem.question for problem in problems}, key=lambda text: _seeded_hash(text, seed))
    held_out = set(ranked[: min(questions, len(ranked) // 2)])
    if not held_out:
        raise UserError("the train split needs at least 2 distinct questions, to hold out a validation split")
    train = [problem for problem in problems if problem.question not in held_out]
    return train, [problem for problem in problems if problem.question in held_out]


def fingerprint(*splits: Split) -> str:
    """Return a 16-digit hash of the rows of `splits`, in their order."""
    total = hashlib.sha256()
    for split in splits:
        for problem in split.problems:
            total.update(json.dumps([problem.question, problem.answer]).encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def _split_file(folder: Path, variant: str, split: str) -> Path:
    if not folder.is_dir():
        raise UserError(f"data folder '{folder}' does not exist")
    if not (folder / variant).is_dir():
        found = [path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        raise unknown_name(f"variant in data folder '{folder}'", variant, found)
    candidates = sorted((folder / variant).glob(f"{split}*.jsonl")) or sorted(
        (folder / variant).glob(f"{split}*.parquet")
    )
    if len(candidates) != 1:
        found = [path.name for path in candidates]
        raise UserError(
            f"data folder '{folder / variant}' needs one {split}.jsonl or {split}-*.parquet, "
            f"found {found or 'none'}"
        )
    return candidates[0]


def _read_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row number from 1, row) of a JSONL or Parquet file."""
    if path.suffix == ".parquet":
        try:
            yield from enumerate(pq.read_table(path, partitioning=None).to_pylist(), start=1)
        except pa.ArrowInvalid:
            raise UserError(f"data file '{path}' is no readable Parquet file") from None
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _parse(line)


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # not JSON, or not UTF-8
        return None


def _problem(row: Any, where: str) -> Problem:
    if not isinstance(row, dict):
        raise BadRow(f"{where}: not a JSON object")
    for column in COLUMNS:
        if column not in row:
            raise BadRow(f"{where}: no column '{column}'; columns there: {', '.join(map(str, row))}")
        if not isinstance(row[column], str) or not row[column].strip():
            raise BadRow(f"{where}: column '{column}' must be text that is not empty")
    if marked_number(row["answer"]) is None:
        raise BadRow(f"{where}: the answer has no final number after '####'")
    return Problem(row["question"], row["answer"])


def _seeded_hash(text: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{text}".encode()).hexdigest()
