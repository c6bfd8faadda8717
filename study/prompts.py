"""Prompt styles: what the model reads and what it should write, made from a problem.

Nothing of the answer may reach the input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from study.data import Problem

_ANNOTATION = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True)
class Example:
    """The input and the target of one problem, as text."""

    source: str
    target: str


def render(problem: Problem, style: str) -> Example:
    """Return the input and the target of `problem` in a prompt style.

    `plain`: the question, and the worked solution with its `#### n`; GSM8K's calculator annotations
    (`<<48/2=24>>`) are stripped from the target.
    """
    if style != "plain":
        raise ValueError(f"no prompt style {style!r}")
    return Example(problem.question.strip(), strip_annotations(problem.answer).strip())


def strip_annotations(text: str) -> str:
    """Return `text` without GSM8K's calculator annotations."""
    return _ANNOTATION.sub("", text)
