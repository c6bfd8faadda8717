"""How a row is put to a model: its prompt style's text, of the row's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from study.config import MATH, TrialConfig
from study.data.prompts import Example, render
from study.errors import UserError
from study.rows.problems import Problem
from study.tasks import Task

_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")


def render_problems(
    problems: Sequence[Problem], config: TrialConfig, task: Task, labels: Sequence[str]
) -> list[Example]:
    """Return the input and the target of each problem, as the configuration's prompt style puts it.

    Args:
        labels: of the data, where the task's answers are labels.

    Raises:
        UserError: the style needs a column that a row has not, or a function of the style raised.
    """
    if config.task == MATH:
        style = (config.prompt_style, config.annotations)
        return [render(problem, *style, variant=config.variant) for problem in problems]
    return [_put(task_row(problem, task, labels), config, task) for problem in problems]


def task_row(problem: Problem, task: Task, labels: Sequence[str]) -> dict[str, Any]:
    """Return a row as a task's functions are given it."""
    return {**problem.fields, **({"labels": tuple(labels)} if task.is_labels else {})}


def put_question(row: Mapping[str, Any], style_name: str, task: Task) -> str:
    """Return the input that a row makes in a prompt style; nothing of its answer is at hand for it.

    Raises:
        UserError: the style needs a column that the row has not, or its function raised.
    """
    source = task.style(style_name).source
    known = {name: value for name, value in row.items() if name != "answer"}
    if isinstance(source, str):
        return fill_places(source, known, style_name)
    return _text_of(source, known, f"prompt style {style_name}")


def fill_places(source: str, row: Mapping[str, Any], style: str) -> str:
    """Return a prompt style's text with a row's columns in the places that name them.

    Raises:
        UserError: the row has no such column.
    """
    return _PLACE.sub(lambda place: _shown(place[1], row, style), source)


def _put(row: Mapping[str, Any], config: TrialConfig, task: Task) -> Example:
    source = put_question(row, config.prompt_style, task)
    target = task.style(config.prompt_style).target
    answer = str(row["answer"])
    return Example(source, answer if target is None else _text_of(target, row, "the style's target"))


def _shown(name: str, row: Mapping[str, Any], style: str) -> str:
    if name not in row:
        raise UserError(f"prompt style {style} needs the column '{name}'; columns of a row: {', '.join(row)}")
    value = row[name]
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _text_of(function: Any, row: Mapping[str, Any], what: str) -> str:
    try:
        text = function(row)
    except Exception as error:
        raise UserError(f"{what} raised {type(error).__name__}: {error}") from error
    if not isinstance(text, str) or not text:
        raise UserError(f"{what} must give text that is not empty, received {text!r:.60}")
    return text
