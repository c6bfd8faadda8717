"""Finding a task: the project's by name, a user's by its file; what can't be used is one line."""

from pathlib import Path

import pytest

from study.config import MATH
from study.errors import UserError
from study.tasks.finding import find_task, list_tasks

OWN = """
from study.tasks import Score, Task

def same(prediction, reference, row):
    return prediction.strip() == reference

TASK = Task(description="capitals", scores=[Score("exact", same, "the capital")], primary="exact")
"""


def own(tmp_path: Path, text: str = OWN, name: str = "capitals.py") -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_every_task_of_the_project_is_found_and_only_that_of_old_studies_has_no_fingerprint() -> None:
    assert {"classification", MATH} <= {*list_tasks()}
    for name in list_tasks():
        found = find_task(name)
        assert found.task.score(found.task.primary)
        assert (found.fingerprint is None) == (name == MATH)


def test_a_file_is_known_by_its_text(tmp_path: Path) -> None:
    found = find_task(own(tmp_path))
    assert (found.name, found.task.description) == ("capitals", "capitals")
    assert found.fingerprint != find_task(own(tmp_path, f"{OWN}\n# changed\n")).fingerprint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("TASK = 3", "must assign TASK = Task(...), found int"),
        ("import nothing_like_it", "ModuleNotFoundError"),
        ("TASK = (", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        (OWN.replace('primary="exact"', 'primary="f1"'), "primary must be one of the scores, exact"),
        (OWN.replace("scores=[", "scores=[] and ["), "needs at least one score"),
        (OWN.replace(', primary="exact"', ""), "missing 1 required positional argument: 'primary'"),
        (OWN.replace('Score("exact"', 'Score("Exact match"'), "lower case letters"),
    ],
)
def test_a_file_that_is_no_task_is_refused_in_a_line(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        find_task(own(tmp_path, text))
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_names_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean classification"):
        find_task("clasification")
    with pytest.raises(UserError, match="No such file"):
        find_task("./nothing.py")
    with pytest.raises(UserError, match="a task of the project has that name"):
        find_task(own(tmp_path, name="classification.py"))
