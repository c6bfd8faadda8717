"""Labels of the data: what is said of them, and data whose answers are none."""

from pathlib import Path

import pytest

from study.data.labels import describe_labels, labels_of
from study.data.loading import load_data
from study.errors import UserError
from study.tasks.finding import find_task
from tests.conftest import write_jsonl


def folder(tmp_path: Path, train: list[str], test: list[str]) -> Path:
    for split, labels in {"train": train, "test": test}.items():
        rows = [{"text": f"{split} {i}", "label": label} for i, label in enumerate(labels)]
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
    return tmp_path


def said(path: Path) -> list[str]:
    return [
        *describe_labels(load_data(path, "main", task=find_task("classification").task), "classification")
    ]


def test_shares_are_told_and_a_label_of_the_test_split_alone(tmp_path: Path) -> None:
    path = folder(tmp_path, ["a"] * 6 + ["b"] * 4, ["a", "b", "c", "c"])
    shares, unseen = said(path)
    assert shares == "2 labels in the training data: a 60%, b 40%"
    assert unseen == "'c' is a label of the test split alone (2 of 4 rows): no arm can learn them"
    assert labels_of(load_data(path, "main", task=find_task("classification").task)) == ("a", "b", "c")


def test_answers_that_are_no_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs a few labels.*30 different answers in 30 rows"):
        said(folder(tmp_path, [f"name {i}" for i in range(30)], ["a"]))


def test_one_label_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs two labels, the training data have one: 'a'"):
        said(folder(tmp_path, ["a"] * 9, ["a"]))
