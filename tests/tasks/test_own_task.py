"""The page about tasks: its example runs as it is written, and its lists are those of the code."""

import re
from pathlib import Path

import pytest

from study.sandbox.inside.wide_functions import FUNCTION_NAMES
from study.sandbox.inside.wide_interpreter import MAX_WIDE_STEPS
from study.tasks import Task
from study.tasks.finding import find_task, list_tasks, task_of
from tests.tasks.scored import scores_of

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "urgency.py"
    path.write_text(example, encoding="utf-8")
    return find_task(str(path)).task


def test_the_example_scores_as_the_page_says(task: Task) -> None:
    rows = [{"question": "It burns.", "answer": answer} for answer in ("5", "5", "1", "3")]
    outputs = ["5", " 4: soon", "urgent", "3."]
    assert scores_of(task, outputs, rows) == {"distance": (0 + 1 + 4 + 0) / 4, "accuracy": 50.0}
    assert task.score("distance").lower_is_better


def test_the_example_has_some_twenty_lines() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 25


@pytest.mark.parametrize("name", list_tasks())
def test_the_page_has_every_task_with_its_scores(name: str) -> None:
    task = task_of(name)
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` ")]
    scores = line.split("|")[3]
    primary = task.score(task.primary).shown
    assert scores.strip().lower().startswith(primary.lower().replace("_", " "))
    for floor in task.floors:
        if floor.startswith("floor_"):
            assert floor.split("_")[1] in line.split("|")[4]


def test_the_page_has_every_function_of_the_sandbox_and_its_steps() -> None:
    (listed,) = re.findall(r"^- `(abs [^`]+)`", PAGE, re.MULTILINE)
    assert {*listed.split()} == FUNCTION_NAMES
    assert f"{MAX_WIDE_STEPS:,} steps" in PAGE
