"""A program and its tests in, one outcome out: both are parsed, checked and run in the wider language."""

from __future__ import annotations

import ast

from .execute import parse, strip_fence, tell_outcome
from .language import Refused
from .placement import check_placement
from .wide_functions import FUNCTION_NAMES
from .wide_interpreter import MAX_WIDE_STEPS, Failed, WideInterpreter
from .wide_language import check_wide_tree, own_names


def check_program(text: str, tests: str) -> tuple[str, str, str]:
    """Run the program in a model's `text`, and then tests of it.

    Returns:
        (outcome, "", detail). The outcome is "passed" if the program and its tests ran to their end, "failed"
        if an assertion does not hold, "no_program" (an empty text), "syntax_error", "refused",
        "runtime_error" or "timeout".
    """
    program = strip_fence(text)
    if not program:
        return "no_program", "", "the text is empty"
    try:
        trees = _read(program, tests)
        interpreter = WideInterpreter()
        for tree in trees:
            interpreter.run(tree)
    except Failed as error:
        return "failed", "", str(error)
    except Exception as error:
        return tell_outcome(error, MAX_WIDE_STEPS)
    return "passed", "", ""


def refusal_of(program: str, tests: str) -> str | None:
    """Return why a program and its tests can't be run in the wider language, or None; nothing runs."""
    try:
        _read(strip_fence(program), tests)
    except Exception as error:
        return tell_outcome(error, MAX_WIDE_STEPS)[2]
    return None


def _read(program: str, tests: str) -> tuple[ast.Module, ast.Module]:
    tree, test_tree = parse(program), parse(tests)
    if hidden := sorted({"math", *FUNCTION_NAMES} & {*own_names(tree.body)}):
        # The tests would call it.
        raise Refused(f"the program gives {hidden[0]!r} another meaning")
    named = check_wide_tree(tree)
    # What a test calls and no program defines is an error as it runs.
    called = {node.id for node in ast.walk(test_tree) if isinstance(node, ast.Name)}
    check_wide_tree(test_tree, named | called)
    for one in (tree, test_tree):
        check_placement(one)
    return tree, test_tree
