"""The numbers within an object stay numbers, from the file to what a model is taught and asked."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from study.data.loading import load_data
from study.rows.json_text import json_text
from study.rows.rules import encode_extra
from study.tasks.finding import task_of


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("34", "34"),
        ("-7", "-7"),
        ("0.5", "0.5"),
        ("1.0", "1.0"),
        ("1E+2", "100.0"),
        ("9" * 30, "9" * 30),
        ("1E+999999", '"1E+999999"'),
        ("9" * 5000, f'"{"9" * 5000}"'),
    ],
)
def test_a_number_is_the_number_that_was_written(written: str, text: str) -> None:
    assert json_text({"n": [Decimal(written)]}) == f'{{"n": [{text}]}}'


def test_the_objects_of_a_file_keep_their_numbers(tmp_path: Path) -> None:
    answer = {"who": "Ann", "n": 34, "price": 0.5, "parts": [1, {"of": 2}]}
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}}
    rows = [{"question": f"{n} pens?", "answer": answer, "schema": schema} for n in range(12)]
    for split, part in (("train", rows[:9]), ("test", rows[9:])):
        text = "".join(json.dumps(row) + "\n" for row in part)
        (tmp_path / f"{split}.jsonl").write_text(text, encoding="utf-8")
    data = load_data(tmp_path, "main", task=task_of("extraction"))
    for problem in data.test.problems:
        assert json.loads(problem.answer) == answer
        assert json.loads(problem.fields["schema"]) == schema


def test_a_cell_that_is_a_number_stays_the_text_that_was_written() -> None:
    assert encode_extra({"group": Decimal("1.50"), "more": {"n": Decimal("2")}}) == (
        '{"group": "1.50", "more": {"n": 2}}'
    )
