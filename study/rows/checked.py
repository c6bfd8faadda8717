"""The rows of one split, read and checked: problems, and how many rows could not be used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.answers.reading import NotOneNumber
from study.errors import UserError
from study.rows.csv_rows import Fault
from study.rows.files import RowFile
from study.rows.problems import Problem, Problems
from study.rows.rules import Rules, encode_extra, json_text
from study.rows.shapes import WrongRow, columns_hint, describe_columns, is_number, show_names
from study.tasks import BadRow as UnusableRow

# Characters of a bad answer that its message shows.
MOST_SHOWN = 60
VALID_ANSWERS = "valid: '#### 18', '#### $1,234.50', '3/4', '18 apples'"
# So many rows, all without a number, are no bad rows but a wrong column.
_TEXT_ROWS = 5
_NO_TEXT = re.compile("[\0-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class BadRow(UserError):
    """A row that can't be used; the message names the file and the row."""


@dataclass(frozen=True)
class CheckedRows:
    """The usable rows of one split.

    Attributes:
        skipped: rows that could not be used and are left out.
        notes: what has to be said of how they were read.
    """

    problems: Problems
    skipped: int = 0
    notes: tuple[str, ...] = ()


def read_problems(paths: Sequence[Path], rules: Rules, *, skip_bad_rows: bool) -> CheckedRows:
    """Return the problems of the files of one split, in their order.

    Raises:
        UserError: a file can't be read or has none of the columns, all its answers are text, there are no
            rows, or (unless `skip_bad_rows`) a row can't be used; file and row are named.
    """
    readings: list[_Reading] = []

    def read() -> Iterator[Problem]:
        for path in paths:
            readings.append(_Reading(path, rules, skip_bad_rows))
            yield from readings[-1].read()

    problems = Problems(read())
    skipped = sum(reading.skipped for reading in readings)
    if not problems:
        raise UserError(
            f"data file '{paths[0]}' has no rows" + (f" but {skipped} bad ones" if skipped else "")
        )
    notes = dict.fromkeys(note for reading in readings for note in reading.notes)
    return CheckedRows(problems, skipped, tuple(notes))


class _Reading:
    """The reading of one file: its problems, one by one, and what went wrong."""

    def __init__(self, path: Path, rules: Rules, skip_bad_rows: bool) -> None:
        self._file = RowFile(path, rules.wanted)
        self._rules, self._skip = rules, skip_bad_rows
        self._read, self.skipped = 0, 0
        self._texts: list[str] = []
        # A file that begins with rows that are no objects has no columns; each of its rows says so.
        names = self._file.columns or [rules.columns.question, rules.columns.answer]
        shape = rules.shape_of(names)
        if shape is None:
            raise UserError(f"data file '{path}': {describe_columns(names, rules.columns)}")
        self._shape = shape
        self.notes = [note for note in (self._file.note, self._shape.note) if note]

    def read(self) -> Iterator[Problem]:
        """Yield the problems, in their order.

        Raises:
            UserError: see `read_problems`.
        """
        first: BadRow | None = None
        for number, row in self._file.read(self._shape):
            taken = self._take(row)
            if isinstance(taken, str):
                self.skipped += 1
                first = first or self._bad_row(number, taken)
            else:
                self._read += 1
                yield taken
            if first and not self._skip and not self._may_all_be_text:
                raise self._all_text() if len(self._texts) == _TEXT_ROWS and not self._read else first
        if self._texts and len(self._texts) == self.skipped >= _TEXT_ROWS and not self._read:
            raise self._all_text()
        if first and not self._skip:
            raise first

    def _take(self, row: Any) -> Problem | str:
        """Return the problem of a row, or why there is none."""
        try:
            if isinstance(row, Fault):
                return str(row)
            if not isinstance(row, Mapping):
                return "not a JSON object"
            question, answer, *rest = self._shape.read(row)
            if self._rules.keeps_any:
                answer = _as_json(answer)
            problem = Problem(
                _text(question, self._shape.question),
                _text(answer, self._shape.answer),
                encode_extra({name: row.get(name) for name in self._shape.extra} | dict(*rest)),
            )
            return self._rules.check(problem)
        except (WrongRow, UnusableRow) as error:
            return str(error)
        except NotOneNumber as error:
            if "no number" in str(error):
                self._texts.append(_shown(problem.answer))
            return (
                "the answer must be one number, after '####' or alone, with at most a currency or a unit "
                f"beside it, but {error}; received {_shown(problem.answer)}; {VALID_ANSWERS}"
            )

    @property
    def _may_all_be_text(self) -> bool:
        """Whether no answer so far has a number, and there are too few to tell that none has."""
        return not self._read and len(self._texts) == self.skipped < _TEXT_ROWS

    def _bad_row(self, number: int, why: str) -> BadRow:
        where = f"{self._file.path}, row {number}"
        return BadRow(f"{where}: {why}; --skip-bad-rows counts such rows and goes on")

    def _all_text(self) -> UserError:
        return UserError(
            f"data file '{self._file.path}': the answers in column '{self._shape.answer}' look like text, "
            f"not numbers: none of the first {len(self._texts)} rows has one ({'; '.join(self._texts[:2])}); "
            f"{VALID_ANSWERS}; columns there: {show_names(self._file.columns)}"
            f"{columns_hint(self._rules.columns)}"
        )


def _as_json(value: Any) -> Any:
    """Return an object, a list, true or false as JSON text; text and numbers as they are."""
    return json_text(value) if isinstance(value, dict | list | bool) else value


def _text(value: Any, column: str) -> str:
    """Return a cell's text; a number is the text that it is written as."""
    text = str(value) if is_number(value) else value
    if not isinstance(text, str) or not text.strip():
        raise WrongRow(f"column '{column}' must be text that is not empty")
    if found := _NO_TEXT.search(text):
        if "\udc80" <= found[0] <= "\udcff":
            raise WrongRow(
                f"column '{column}' has the byte {ord(found[0]) - 0xDC00:#x}, which is neither UTF-8 nor "
                "Windows-1252; valid: the file saved as UTF-8"
            )
        raise WrongRow(
            f"column '{column}' has {found[0]!a}, a control code or half a pair, which no text has"
        )
    return text


def _shown(answer: str) -> str:
    """Return what a message shows of an answer: from its mark on, on the line of the last one."""
    line = answer.rfind("\n", 0, max(0, answer.rfind("####"))) + 1
    text = answer[max(line, answer.find("####", line)) :]
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}...")
