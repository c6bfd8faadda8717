"""One text in, one outcome out: find the program, parse it, check it, run it, read `answer`."""

from __future__ import annotations

import ast
import re
import textwrap

from .interpreter import MAX_STEPS, Interpreter, OutOfSteps
from .language import Refused, check_tree
from .limits import PROGRAM_NAME
from .placement import Misplaced, check_placement
from .values import ProgramError, write_answer

_FENCED = re.compile(r"```(?:python|py)?(.*?)(?:```|\Z)", re.DOTALL)
# `name =`, `name +=`, `name :=` or `] =`, but not `name ==`. Each word is looked at once, from its beginning.
_ASSIGNMENT = re.compile(r"(?:(?<!\w)[^\W\d]\w*|\])\s{0,9}(?:\*\*|//|<<|>>|[-+*/%@&|^:])?=(?!=)")

_DETAIL_LENGTH = 200


def execute(text: str) -> tuple[str, str, str]:
    """Run the program in a model's `text`.

    Returns:
        (outcome, the number as text or "", detail). The outcome is "answered", "no_program",
        "syntax_error", "refused", "runtime_error" or "timeout".
    """
    program = find_program(text)
    if program is None:
        return "no_program", "", "nothing is assigned to a name"
    try:
        return "answered", _run(program), ""
    except Exception as error:
        return tell_outcome(error, MAX_STEPS)


def tell_outcome(error: Exception, steps: int) -> tuple[str, str, str]:
    """Return what `execute` returns of a program that ended in an error.

    Args:
        steps: how many it had.

    Raises:
        Exception: the error itself, if it is none that a program can cause.
    """
    try:
        raise error
    except Refused:
        outcome, detail = "refused", str(error)
    except OutOfSteps:
        outcome, detail = "timeout", f"more than {steps:,} steps"
    except (SyntaxFault, Misplaced):
        outcome, detail = "syntax_error", str(error)
    except ProgramError:
        outcome, detail = "runtime_error", str(error)
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError, MemoryError):
        outcome, detail = "runtime_error", f"{type(error).__name__}: {error}"
    return outcome, "", detail[:_DETAIL_LENGTH]


def find_program(text: str) -> str | None:
    """Return the program in a model's text: the first fenced block if there is one, else the whole text.

    None where nothing in it looks like an assignment: such a text can't give `answer` a value, and prose,
    a bare number or a bare call is no program here.
    """
    program = strip_fence(text)
    return program if _ASSIGNMENT.search(program) else None


def strip_fence(text: str) -> str:
    """Return the first fenced block of a text if there is one, else the whole text; not indented."""
    fenced = _FENCED.search(text)
    return textwrap.dedent(fenced.group(1) if fenced else text).strip()


class SyntaxFault(Exception):
    """The text is not Python."""


def _run(program: str) -> str:
    tree = parse(program)
    check_tree(tree)
    check_placement(tree)
    interpreter = Interpreter()
    interpreter.run(tree)
    if "answer" not in interpreter.names:
        raise ProgramError("answer is not assigned")
    return write_answer(interpreter.names["answer"])


def parse(program: str) -> ast.Module:
    """Return the tree of a program.

    Raises:
        SyntaxFault: it is no Python.
    """
    try:
        return ast.parse(program, PROGRAM_NAME)
    except SyntaxError as error:
        raise SyntaxFault(f"line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        # Null bytes, lone surrogates, nesting that the parser gives up on.
        raise SyntaxFault(f"{type(error).__name__}: {error}") from None
