"""A function for a description, held against tests: MBPP, and what is like it.

    python -m study.run --space lora_rank --data mbpp.jsonl --task program

Programs run in the project's sandbox, which walks through a part of Python (docs/tasks.md lists it):
functions, loops, comprehensions, numbers, texts, lists, tuples, dicts, sets, `math`; no classes, no `try`, no
other imports. A row whose own answer or tests need more is a bad row; a model's program that does is
`refused`, and counts as wrong.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from study.sandbox import refusal_of
from study.scores.programs import passes, run_programs, runs
from study.tasks import BadRow, Given, Score, Style, Task
from study.tasks.task import Row

# In this order; the first that a row has.
TESTS = ("test_list", "tests", "test")
VALID = f"valid: a column {', '.join(TESTS)} with statements such as 'assert f(2) == 4', or a list of them"


def check(given: Given) -> Given:
    """Return the row with its tests as one text, in `tests`; its own answer must be in the language."""
    extra = dict(given.extra)
    found = [extra.pop(name, None) for name in TESTS]
    setup, entry_point = extra.pop("test_setup_code", None), extra.pop("entry_point", None)
    tests = "\n".join([*_statements(setup), *_statements(next((one for one in found if one), None))])
    if "assert" not in tests:
        raise BadRow(f"no tests; {VALID}")
    if entry_point is not None:  # HumanEval's tests are a function of the program's function
        tests += f"\ncheck({entry_point})"
    if said := refusal_of(given.answer, tests):
        raise BadRow(
            f"the sandbox can't run the row's program and tests: {said} (docs/tasks.md has what it can)"
        )
    return replace(given, extra={**extra, "tests": tests})


def _statements(tests: Any) -> Sequence[str]:
    if tests is None:
        return []
    found = [tests] if isinstance(tests, str) else tests
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise BadRow(f"tests of another form; {VALID}")
    return found


def show_test(row: Row) -> str:
    """Return the description and the row's first test, which names the function."""
    first = next(line for line in row["tests"].splitlines() if "assert" in line)
    return f"{row['question']}\n{first.strip()}"


TASK = Task(
    description="a function that passes a row's tests, in the part of Python that the sandbox runs",
    question=("prompt", "text", "question"),
    answer=("code", "answer", "solution", "canonical_solution"),
    extra=(*TESTS, "test_setup_code", "entry_point"),
    check=check,
    styles={"with_test": Style(show_test), "plain": "{question}"},
    read_all=run_programs,
    scores=[
        Score(
            "pass_at_1",
            passes,
            "every test of the row passes, in the sandbox",
            label="pass@1",
            column="correct",
        ),
        Score("runs", runs, "the program and its tests run: no error, nothing that the sandbox refuses"),
    ],
    primary="pass_at_1",
    floors=("floor_commonest_answer", "floor_random_solution", "floor_nearest_solution", "floor_empty"),
)
