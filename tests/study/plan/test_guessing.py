"""The task that data are taken for, where the user names none."""

import json
from pathlib import Path
from typing import Any

import pytest

from study.plan.guessing import guess_task
from study.rows.problems import Columns
from tests.conftest import write_jsonl

LABELS = ["good", "bad", "fair"]


def repeated(question: str, answer: str, values: list[Any], rows: int = 30) -> list[dict[str, Any]]:
    return [{question: f"text {i}", answer: values[i % len(values)]} for i in range(rows)]


@pytest.mark.parametrize(
    ("rows", "task", "why"),
    [
        (repeated("question", "answer", ["so 3\n#### 3", "#### 4"]), "math_word_problems", "are numbers"),
        (repeated("question", "answer", ["3", "4 apples", "1/2"]), "math_word_problems", "are numbers"),
        (
            [{"question": f"pick {i}", "answer": str(i) if i % 2 else "x" * (i + 1)} for i in range(30)],
            "short_answer",
            "answers are short",
        ),
        (repeated("text", "label", LABELS), "classification", "the column 'label' has 3 different values"),
        (repeated("sentence", "label", [0, 1]), "classification", "2 different values"),
        (repeated("question", "answer", LABELS), "classification", "are 3 labels"),
        (repeated("question", "answer", ['{"a": 1}', '{"a": 2}']), "extraction", "JSON objects"),
        (repeated("question", "answer", [{"a": 1}, {"b": 2}]), "extraction", "JSON objects"),
        (
            [{"question": f"who {c}", "answer": f"the name {c}"} for c in "abcdefghijklmnopqrstuvwxyz"],
            "short_answer",
            "answers are short",
        ),
        (
            [
                {"question": f"say {c}", "answer": f"{c} is a text of more than a few words"}
                for c in "abcdefghijklmnop"
            ],
            "generation",
            "answers are texts",
        ),
        (
            [{"context": "c", "question": f"q{i}", "answers": {"text": ["a"]}} for i in range(9)],
            "short_answer",
            "a context",
        ),
        (
            [{"text": f"p{i}", "code": "x", "test_list": ["assert f(1) == 2"]} for i in range(9)],
            "program",
            "a column 'test_list'",
        ),
        (repeated("question", "answer", LABELS, rows=5), "math_word_problems", "too few rows"),
    ],
)
def test_the_data_tell_the_task(rows: list[dict[str, Any]], task: str, why: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", rows)
    guess = guess_task(tmp_path, None)
    assert guess is not None
    assert (guess.task, why in guess.why) == (task, True), guess.why
    assert "--task NAME" in guess.line


def test_columns_that_the_user_names_count(tmp_path: Path) -> None:
    rows = [{**row, "label": i % 2} for i, row in enumerate(repeated("text", "total", ["12", "7"]))]
    write_jsonl(tmp_path / "train.jsonl", rows)
    guess = guess_task(tmp_path, Columns("text", "total"))
    assert guess is not None
    assert guess.task == "math_word_problems"


def test_what_can_not_be_read_is_not_guessed(tmp_path: Path) -> None:
    assert guess_task(tmp_path / "nothing", None) is None
    (tmp_path / "train.json").write_text(json.dumps([]), encoding="utf-8")
    guess = guess_task(tmp_path, None)
    assert guess is None or guess.task == "math_word_problems"
