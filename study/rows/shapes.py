"""Which parts of a row are the question and the answer: two columns, a chat, an instruction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from study.errors import UserError
from study.rows.problems import CODE_COLUMNS, GSM8K_COLUMNS, Columns

# Column -> names of the keys of a turn: who speaks, and what is said.
CHAT_COLUMNS = {"messages": ("role", "content"), "conversations": ("from", "value")}
_ROLES = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
# Columns of the shapes that are looked for where the user has named none.
SHAPE_COLUMNS = (*CHAT_COLUMNS, "instruction", "input", "output")
_MOST_NAMES, _MOST_CHARACTERS = 12, 40


class WrongRow(ValueError):
    """A row whose question or answer can't be taken out of it; the message says why."""


@dataclass(frozen=True)
class Shape:
    """How a row is read.

    Attributes:
        columns: the columns that are needed.
        read: row -> (question, answer), each text or a number, and where a third stands behind them, what
            else is kept of the row; raises `WrongRow`.
        note: how it is read, where that is not plain, else None.
        question, answer: the columns that hold them.
        extra: columns that are kept beside them.
    """

    columns: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    note: str | None
    question: str
    answer: str
    extra: tuple[str, ...] = ()


def choose_shape(names: Sequence[str], columns: Columns) -> Shape | None:
    """Return how rows with the columns `names` are read, or None where they are of no known shape.

    A column is found by its name, or by its name in other capitals. Chats and instructions are looked for
    where the user has named no columns.

    Raises:
        UserError: the question and the answer are one column.
    """
    found = [find_column(name, names) for name in (columns.question, columns.answer)]
    if all(found) and found[0] == found[1]:
        raise UserError(
            f"the question and the answer can't both be the column '{found[0]}'; valid: one column each for "
            "--question-column and --answer-column"
        )
    if all(found):
        question, answer = map(str, found)
        named = (question, answer) in ((c.question, c.answer) for c in (GSM8K_COLUMNS, CODE_COLUMNS))
        note = None if named else f"questions are in the column '{question}', answers in '{answer}'"
        return Shape((question, answer), _cells(question, answer), note, question, answer)
    if columns not in (GSM8K_COLUMNS, CODE_COLUMNS):
        return None
    for name in CHAT_COLUMNS:
        if name in names:
            note = (
                f"rows are chats ('{name}'): the question is what the user says (a system's text and earlier "
                "turns before it), the answer what the assistant says last"
            )
            return Shape((name,), partial(_chat, name), note, name, name)
    if {"instruction", "output"} <= {*names}:
        given = ("input",) if "input" in names else ()
        note = (
            "rows are instructions: the question is 'instruction', and 'input' below it, the answer 'output'"
        )
        return Shape(("instruction", *given, "output"), _instruction, note, "instruction", "output")
    return None


def describe_columns(names: Sequence[str], columns: Columns) -> str:
    """Return the line about columns that are not there: those missing, those there, and the options."""
    wanted = (columns.question, columns.answer)
    missing = next((name for name in wanted if find_column(name, names) is None), wanted[0])
    if len(alike := _alike(missing, names)) > 1:
        return f"no one column '{missing}', but {' and '.join(map(repr, alike))}{columns_hint(columns)}"
    return f"no column '{missing}'; columns there: {show_names(names)}{columns_hint(columns)}"


def show_names(names: Sequence[str]) -> str:
    """Return names of columns, the first dozen of them."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(" ".join(name.split())[:_MOST_CHARACTERS] for name in names[:_MOST_NAMES]) + more


def columns_hint(columns: Columns) -> str:
    """Return how a user names columns."""
    if columns == CODE_COLUMNS:
        return "; code data needs both query and answer"
    return "; --question-column and --answer-column name yours"


def is_number(value: Any) -> bool:
    """Tell whether a cell holds a number."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def find_column(name: str, names: Sequence[str]) -> str | None:
    """Return the one column of that name, or of that name in other capitals, or None."""
    if name in names:
        return name
    alike = _alike(name, names)
    return alike[0] if len(alike) == 1 else None


def _alike(name: str, names: Sequence[str]) -> list[str]:
    return [other for other in names if other.strip().casefold() == name.strip().casefold()]


def _cells(question: str, answer: str) -> Callable[[Mapping[str, Any]], tuple[Any, Any]]:
    def read(row: Mapping[str, Any]) -> tuple[Any, Any]:
        if question in row and answer in row:
            return row[question], row[answer]
        names = [*map(str, row)]  # which may have other capitals than those of another row
        found = [find_column(name, names) for name in (question, answer)]
        if None in found or found[0] == found[1]:
            raise WrongRow(describe_columns(names, Columns(question, answer)))
        return row[str(found[0])], row[str(found[1])]

    return read


def _instruction(row: Mapping[str, Any]) -> tuple[Any, Any]:
    for name in ("instruction", "output"):
        if name not in row:
            raise WrongRow(f"no column '{name}'; columns there: {', '.join(map(str, row))}")
    given = row.get("input")
    question = row["instruction"]
    if given is None or (isinstance(given, str) and not given.strip()):
        return question, row["output"]
    if not isinstance(given, str) and not is_number(given):
        raise WrongRow("column 'input' must be text")
    return f"{question}\n{given}", row["output"]


def _chat(name: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what is said before the assistant's last turn, that turn, and the turns before it as they are.

    The turns are left out where there is but one, the user's: it is the question.
    """
    who, what = CHAT_COLUMNS[name]
    turns = row.get(name)
    if not isinstance(turns, list | tuple) or not all(isinstance(turn, Mapping) for turn in turns):
        raise WrongRow(f"column '{name}' must be a list of turns")
    roles = [_ROLES.get(str(turn.get(who)), str(turn.get(who))) for turn in turns]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or spoken != ["user", "assistant"] * (len(spoken) // 2):
        shown = ", ".join(" ".join(role.split())[:_MOST_CHARACTERS] for role in roles[:8])
        raise WrongRow(
            "a chat must be turns of the user and the assistant, one after the other, after at most a "
            f"system's text, and end with the assistant's, received the turns {shown or 'none'}"
            f"{f' and {len(roles) - 8} more' if len(roles) > 8 else ''}"
        )
    texts = [_said(turn.get(what), name) for turn in turns]
    kept = [[role, text] for role, text in zip(roles[:-1], texts[:-1], strict=True)]
    return "\n".join(texts[:-1]), texts[-1], ({"turns": kept} if len(kept) > 1 else {})


def _said(content: Any, name: str) -> str:
    """Return a turn's text: the content, or the text parts of it."""
    if isinstance(content, list | tuple) and all(isinstance(part, Mapping) for part in content):
        parts = [part.get("text") for part in content if part.get("type") == "text"]
        if len(parts) == len(content) and all(isinstance(part, str) for part in parts):
            return "".join(map(str, parts))
    if not isinstance(content, str):
        raise WrongRow(f"column '{name}' has a turn whose content is no text")
    return content
