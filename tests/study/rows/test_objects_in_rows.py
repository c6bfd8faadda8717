"""Objects in the cells of a JSON file: what of them reaches a task."""

import json
from pathlib import Path

from study.data.loading import load_data
from study.tasks.finding import task_of

SCHEMA = {"properties": {"n": {"minimum": 1, "multipleOf": 0.5}}, "required": ["n"]}


def test_numbers_in_answers_and_schemas_stay_numbers(tmp_path: Path) -> None:
    rows = [
        {"question": f"{n} pens", "answer": {"n": n, "half": n / 2, "tags": ["a", True]}, "schema": SCHEMA}
        for n in range(1, 41)
    ]
    path = tmp_path / "orders.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = load_data(path, "main", task=task_of("extraction"))
    read = {problem.question: problem for split in (data.train, data.test) for problem in split.problems}
    assert json.loads(read["3 pens"].answer) == rows[2]["answer"]
    assert json.loads(json.loads(read["3 pens"].extra)["schema"]) == SCHEMA
