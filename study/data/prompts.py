"""Prompt styles: what the model reads and what it should write, made from a problem.

    plain               the question                                     -> the worked solution
    without_breakdown   an instruction to reason, the question           -> the worked solution
    with_breakdown      the same, and the question's sub-questions       -> the worked solution
    python_code         an instruction to write a program, the question  -> a program

Nothing of the answer may reach the input: a breakdown names the sub-questions and never what they come to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from study.answers.reading import format_number, marked_number
from study.data.loading import Problem
from study.data.programs import NoProgram, program_from_annotations

REASON = "Solve the problem step by step."
BREAKDOWN = "Breakdown:"
WRITE_PROGRAM = "Write a Python program that solves the problem."

# Between a sub-question and its step, in Socratic answers.
SUB_QUESTION_END = " ** "

_ANNOTATION = re.compile(r"<<[^<>]*>>")
_NUMBER = re.compile(r"\s*\d+\.\s+")


@dataclass(frozen=True)
class Example:
    """The input and the target of one problem, as text.

    Attributes:
        source: what the model reads.
        target: what it should write.
        no_program: why no program could be made of the answer, or None; the target is then the number alone.
    """

    source: str
    target: str
    no_program: str | None = None


def render(problem: Problem, style: str, annotations: str, *, variant: str = "main") -> Example:
    """Return the input and the target of `problem`.

    Args:
        problem: a problem of `variant`.
        style: see the module's table.
        annotations: "strip" or "keep" GSM8K's calculator annotations (`<<48/2=24>>`) in a text target.
        variant: "main" or "socratic", whose answers alone hold sub-questions: in others ` ** ` is a power.
    """
    source = question_source(problem.question, style)
    if style == "python_code":
        return _program_example(source, problem)
    if style == "with_breakdown":
        source = f"{source}\n{_breakdown(problem, variant)}"
    target = problem.answer if annotations == "keep" else strip_annotations(problem.answer)
    return Example(source, target.strip())


def question_source(question: str, style: str) -> str:
    """Return the input that a question makes in a prompt style, before any breakdown."""
    instruction = {"plain": None, "python_code": WRITE_PROGRAM}.get(style, REASON)
    return question.strip() if instruction is None else f"{instruction}\n{question.strip()}"


def asked_source(text: str, style: str) -> str:
    """Return the input that a person's text makes.

    For a breakdown its sub-questions stand on lines of their own behind a line `Breakdown:`, as in training.
    """
    question, breakdown, rest = text.strip().partition(f"\n{BREAKDOWN}\n")
    if style != "with_breakdown" or not breakdown:
        return question_source(text, style)
    parts = [_NUMBER.sub("", line).strip() for line in rest.splitlines() if line.strip()]
    return f"{question_source(question, style)}\n{_numbered(parts)}"


def strip_annotations(text: str) -> str:
    """Return `text` without GSM8K's calculator annotations."""
    return _ANNOTATION.sub("", text)


def _breakdown(problem: Problem, variant: str) -> str:
    """Return the numbered sub-questions, or as many empty slots as there are steps that carry none."""
    steps = [line for line in problem.answer.splitlines() if line.strip() and not line.startswith("####")]
    if variant != "socratic":
        return _numbered([""] * len(steps))
    questions = [line.partition(SUB_QUESTION_END) for line in steps]
    return _numbered([before.strip() if separator else "" for before, separator, _ in questions])


def _numbered(slots: Sequence[str]) -> str:
    return "\n".join([BREAKDOWN, *(f"{i}. {slot}".rstrip() for i, slot in enumerate(slots, start=1))])


def _program_example(source: str, problem: Problem) -> Example:
    program = program_from_annotations(problem.answer)
    if isinstance(program, NoProgram):
        number = marked_number(problem.answer)
        assert number is not None  # study.data.loading refuses a row without one
        return Example(source, f"answer = {format_number(number)}", program.reason)
    return Example(source, program)
