"""How the rows of a data set are read: which columns hold what, and what a row has to be, by the task."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from study.rows.problems import CODE_COLUMNS, GSM8K_COLUMNS, Columns, Problem
from study.rows.shapes import SHAPE_COLUMNS, Shape, WrongRow, choose_shape, find_column
from study.tasks import BadRow, Given, Task

# A column of that name is kept, whatever the task: figures are told by it.
GROUP = "group"


@dataclass(frozen=True)
class Rules:
    """How rows become problems.

    Attributes:
        columns: those that the user named, or those of the task by their first names.
        check: a problem as it was read -> as it is used; raises `BadRow` or `NotOneNumber`.
        task: whose rows they are; None: code, whose columns and answers are as they are.
        are_named: whether the user named the columns.
        keeps_any: whether an answer may be more than text or a number: an object, a list, true or false. It
            is then read as JSON.
    """

    columns: Columns
    check: Callable[[Problem], Problem]
    task: Task | None = None
    are_named: bool = False
    keeps_any: bool = False

    @property
    def wanted(self) -> list[str]:
        """Names of columns that may be looked for."""
        own = (
            [*_names(self.task.question), *_names(self.task.answer), *self.task.columns] if self.task else []
        )
        return [self.columns.question, self.columns.answer, *own, *SHAPE_COLUMNS]

    def shape_of(self, names: Sequence[str]) -> Shape | None:
        """Return how the rows of a file with the columns `names` are read; None: in no known way."""
        if self.task is not None and self.task.row is not None:
            return _own_shape(self.task, names)
        shape = choose_shape(names, self.columns_in(names))
        extra = [name for name in (*(self.task.extra if self.task else ()), GROUP) if name in names]
        extra = [name for name in extra if shape is not None and name not in shape.columns]
        if shape is None or self.task is None or not extra:
            return shape
        return replace(shape, columns=(*shape.columns, *extra), extra=tuple(extra))

    def columns_in(self, names: Sequence[str]) -> Columns:
        """Return the columns that hold questions and answers in a file with the columns `names`."""
        if self.are_named or self.task is None:
            return self.columns
        found = [
            next((name for name in _names(own) if find_column(name, names)), None)
            for own in (self.task.question, self.task.answer)
        ]
        question, answer = found
        return GSM8K_COLUMNS if question is None or answer is None else Columns(question, answer)


def make_rules(task: Task, columns: Columns | None) -> Rules:
    """Return the rules of a task.

    Args:
        columns: those that the user named, or None.
    """
    named = columns or Columns(_names(task.question)[0], _names(task.answer)[0])
    return Rules(named, _checked_by(task), task, columns is not None, task.comparison != "number")


def code_rules() -> Rules:
    """Return the rules of code data, whose answers are as they are."""
    return Rules(CODE_COLUMNS, lambda problem: problem)


def _checked_by(task: Task) -> Callable[[Problem], Problem]:
    def check(problem: Problem) -> Problem:
        if task.check is None:
            return problem
        extra = json.loads(problem.extra) if problem.extra else {}
        given = Given(problem.question, problem.answer, extra)
        checked = task.check(given)
        return problem if checked == given else problem_of(checked)

    return check


def problem_of(given: Given) -> Problem:
    """Return what is kept of a row."""
    return Problem(given.question, given.answer, encode_extra(given.extra))


def encode_extra(extra: Mapping[str, Any]) -> str:
    """Return what is kept beside a question and its answer as text: the same for the same."""
    known = {name: value for name, value in extra.items() if value is not None}
    if not known:
        return ""
    return json_text(known, sort_keys=True)


def json_text(value: Any, *, sort_keys: bool = False) -> str:
    """Return an object or a list of a row as JSON: numbers, which may be decimals, as numbers."""
    return json.dumps(value, sort_keys=sort_keys, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return str(value)
    is_whole = value == value.to_integral_value() and value.as_tuple().exponent == 0
    return int(value) if is_whole else float(value)


def _own_shape(task: Task, names: Sequence[str]) -> Shape | None:
    """Return the shape of rows that a task's own function reads."""
    assert task.row is not None
    read_row = task.row
    if any(find_column(name, names) is None for name in task.columns):
        return None

    def read(row: Mapping[str, Any]) -> tuple[Any, Any, Mapping[str, Any]]:
        try:
            given = read_row(row)
        except BadRow:
            raise
        except Exception as error:
            raise WrongRow(f"the task's function of the row raised {type(error).__name__}: {error}") from None
        if not isinstance(given, Given):
            raise WrongRow(f"the task's function of the row returns Given(...), received {given!r:.60}")
        return given.question, given.answer, given.extra

    group = (GROUP,) if GROUP in names else ()
    return Shape((*task.columns, *group), read, None, "question", "answer", group)


def _names(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
