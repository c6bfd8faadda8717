"""How a row is put to a model: places in a prompt's text, functions, and never its answer."""

from typing import Any

import pytest

from study.data.rendering import put_question, task_row
from study.errors import UserError
from study.rows.problems import Problem
from study.tasks import Score, Style, Task

PROBLEM = Problem("Who wrote it?", "Mia", '{"context": "Mia wrote {question} in 1999.", "tags": ["a", "b"]}')
SAME = Score("same", lambda p, r, row: p == r, "the same")


def task(source: Any) -> Task:
    return Task(description="names", scores=[SAME], primary="same", styles={"plain": Style(source)})


def put(source: Any) -> str:
    return put_question(task_row(PROBLEM, task(source), ()), "plain", task(source))


def test_places_are_filled_once_and_other_braces_stay() -> None:
    assert put("{context} {question}") == "Mia wrote {question} in 1999. Who wrote it?"
    assert put('{"q": "{question}"} {0} {tags}') == '{"q": "Who wrote it?"} {0} a, b'


def test_a_function_gets_the_row_without_its_answer() -> None:
    seen: dict[str, Any] = {}
    assert put(lambda row: seen.update(row) or row["question"]) == "Who wrote it?"
    assert {*seen} == {"question", "context", "tags"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{answer}", "prompt style plain needs the column 'answer'; columns of a row: "),
        ("{title}", "needs the column 'title'"),
        (lambda row: row["title"], "prompt style plain raised KeyError: 'title'"),
        (lambda row: "", "must give text that is not empty, received ''"),
        (lambda row: 3, "must give text that is not empty, received 3"),
    ],
)
def test_what_can_not_be_put_is_one_line(source: Any, reason: str) -> None:
    with pytest.raises(UserError) as refusal:
        put(source)
    assert reason in str(refusal.value)


def test_labels_are_at_hand_where_answers_are_labels() -> None:
    of = Task(
        description="l",
        scores=[SAME],
        primary="same",
        styles={"plain": "{question} {labels}"},
        is_labels=True,
    )
    row = task_row(Problem("Good?", "no"), of, ["no", "yes"])
    assert put_question(row, "plain", of) == "Good? no, yes"
