"""Guessing the task from the data, where the user names none: by the names of columns, and by the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from study import embedded
from study.answers.reading import NotOneNumber, read_reference
from study.config import MATH
from study.errors import UserError
from study.rows.csv_rows import Fault
from study.rows.files import RowFile
from study.rows.layouts import find_layout
from study.rows.problems import Columns
from study.rows.rules import make_rules
from study.rows.shapes import Shape, WrongRow, find_column
from study.tasks.finding import task_of

# Rows that are looked at. With fewer than the least only the names of columns tell anything.
_HEAD_ROWS, _LEAST_ROWS = 200, 8
# Labels are few, short, and each stands for several rows.
_MOST_LABELS, _LABEL_CHARACTERS, _ROWS_A_LABEL = 60, 60, 3
# Of word problems: a few of their answers may be bad rows, which are then told.
_SHARE_OF_NUMBERS = 0.8
# Mean words of an answer that is a name or a phrase, and no text.
_SHORT_WORDS = 6
_TESTS = ("test_list", "tests", "test")


@dataclass(frozen=True)
class Guess:
    """A task that was guessed, and why."""

    task: str
    why: str

    @property
    def line(self) -> str:
        """What the user is told."""
        return f"Task: {self.task} ({self.why}); --task NAME overrules this, --list names them"


def guess_task(source: Path, columns: Columns | None) -> Guess | None:
    """Return the task that the data are for; None where they are the project's own, or can't be looked at.

    Args:
        source: the data's file or folder.
        columns: those that the user named, or None.
    """
    if source == embedded.DATA_DIR:
        return None
    try:
        file = RowFile(find_layout(source, "main").files["train"][0], ["question", "answer", "text", "label"])
        rows = _head(file)
    except UserError:
        return None  # which is told when the data are read
    return _by_columns(file.columns, rows, columns) or _by_answers(_answers(file.columns, rows, columns))


def _head(file: RowFile) -> list[Mapping[str, Any]]:
    whole = Shape(tuple(file.columns), lambda row: (), None, "", "")
    found = (row for _, row in islice(file.read(whole), _HEAD_ROWS))
    return [row for row in found if isinstance(row, Mapping) and not isinstance(row, Fault)]


def _by_columns(
    names: Sequence[str], rows: Sequence[Mapping[str, Any]], columns: Columns | None
) -> Guess | None:
    """Return the task that the names of the columns tell."""
    if columns is not None:
        return None
    if tests := next((name for name in _TESTS if name in names and _is_code(rows, name)), None):
        return Guess("program", f"rows have a column '{tests}'")
    if "context" in names and {"answers", "answer"} & {*names} and "question" in names:
        return Guess("short_answer", "rows have a context, a question and answers")
    own = make_rules(task_of("classification"), None).columns_in(names)
    if own.answer != "answer" and find_column(own.answer, names) and find_column(own.question, names):
        values = {str(row.get(own.answer)) for row in rows}
        if _are_few(values, len(rows)):
            return Guess("classification", f"the column '{own.answer}' has {len(values)} different values")
    return None


def _is_code(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return bool(rows) and all("assert" in str(row.get(name)) for row in rows)


def _answers(names: Sequence[str], rows: Sequence[Mapping[str, Any]], columns: Columns | None) -> list[Any]:
    shape = make_rules(task_of(MATH), columns).shape_of(names)
    answers = []
    for row in rows if shape else ():
        try:
            answers.append(shape.read(row)[1])  # type: ignore[union-attr]
        except (WrongRow, UserError):
            continue
    return answers


def _by_answers(answers: Sequence[Any]) -> Guess:
    """Return the task that the answers tell; where they tell nothing, that of a study that names none."""
    texts = [" ".join(str(answer).split()) for answer in answers if answer is not None]
    if len(texts) < _LEAST_ROWS:
        return Guess(MATH, "there are too few rows to tell")
    if all(_is_object(answer) for answer in answers):
        return Guess("extraction", "answers are JSON objects")
    numbers = sum(map(_is_number, texts))
    if numbers >= _SHARE_OF_NUMBERS * len(texts) or any("####" in text for text in texts):
        return Guess(MATH, f"{numbers} of the first {len(texts)} answers are numbers")
    distinct = {*texts}
    if _are_few(distinct, len(texts)):
        return Guess("classification", f"the first {len(texts)} answers are {len(distinct)} labels")
    words = sum(len(text.split()) for text in texts) / len(texts)
    if words <= _SHORT_WORDS:
        return Guess("short_answer", f"answers are short ({words:.0f} words in the mean)")
    return Guess("generation", f"answers are texts ({words:.0f} words in the mean)")


def _are_few(values: set[str], rows: int) -> bool:
    few = len(values) <= min(_MOST_LABELS, rows / _ROWS_A_LABEL)
    return few and all(len(value) <= _LABEL_CHARACTERS for value in values)


def _is_number(text: str) -> bool:
    try:
        read_reference(text)
    except NotOneNumber as error:
        return "####" in text or "no number" not in str(error)
    return True


def _is_object(answer: Any) -> bool:
    if not isinstance(answer, str):
        return isinstance(answer, dict)
    try:
        return isinstance(json.loads(answer), dict)
    except (ValueError, RecursionError):
        return False
