"""Labels, folders and names of models are unique, and as they were where they were unique already."""

from pathlib import Path
from typing import Any

import pytest

from study.errors import UserError
from study.plan.labels import SLUG_LENGTH, label_arms, name_apart, slugs_of
from study.plan.making import make_plan
from study.plan.request import Request
from study.sources.finding import Source


def labels_of(*models: str) -> list[str]:
    return label_arms([{"method": "lora", "model": model} for model in models])


@pytest.mark.parametrize(
    ("models", "labels"),
    [
        # As ever.
        (("google/flan-t5-small", "google/flan-t5-base"), ["lora flan-t5-small", "lora flan-t5-base"]),
        (("./models/a_b/", "embedded"), ["lora a-b", "lora embedded"]),
        (("me/x", "me/x"), ["lora", "lora"]),
        # One name under two owners, or of two folders.
        (("a/x", "b/x"), ["lora a/x", "lora b/x"]),
        (("a/x", "b/x", "b/y"), ["lora a/x", "lora b/x", "lora y"]),
        (("/data/a/run/x", "/data/b/run/x"), ["lora a/run/x", "lora b/run/x"]),
        (("x", "b/x"), ["lora x", "lora b/x"]),
        (("a/my_x", "b/my-x"), ["lora a/my-x", "lora b/my-x"]),
        (("a/é", "b/e\u0301"), ["lora a/é", "lora b/e\u0301"]),
    ],
)
def test_a_model_is_called_by_as_much_of_its_name_as_tells_it_apart(
    models: tuple[str, ...], labels: list[str]
) -> None:
    if len(set(models)) == 1:
        assert label_arms([{"method": "lora", "model": models[0]}]) == labels[:1]
    else:
        assert labels_of(*models) == labels


def test_one_model_written_in_two_ways_is_no_two_arms() -> None:
    with pytest.raises(UserError, match="two arms would be called 'lora x'; name each model once"):
        labels_of("x", "x/")


@pytest.mark.parametrize(
    ("labels", "slugs"),
    [
        (["lora main", "floor-echo main"], ["lora-main", "floor-echo-main"]),
        (["lora Qwen2.5-0.5B"], ["lora-qwen2.5-0.5b"]),
        (["lora 模型"], ["lora"]),
    ],
)
def test_a_folder_that_is_unique_stays_as_it_was(labels: list[str], slugs: list[str]) -> None:
    assert slugs_of(labels) == slugs


@pytest.mark.parametrize(
    "labels",
    [
        ["lora X", "lora x"],
        ["lora 模型", "lora 型模", "lora"],
        ["lora a/x", "lora a-x"],
        ["lora é", "lora e\u0301"],
        [f"lora {'x' * 300}", f"lora {'x' * 300}y"],
    ],
)
def test_no_file_system_takes_two_arms_for_one(labels: list[str]) -> None:
    slugs = slugs_of(labels)
    assert len({slug.casefold() for slug in slugs}) == len(labels)
    assert all(slug.isascii() and len(slug) < SLUG_LENGTH + 20 for slug in slugs)
    assert slugs_of(labels[::-1]) == slugs[::-1]


def found(*paths: str, **hub: str) -> dict[str, Source]:
    folders = {path: Source(Path(path).name, Path(path)) for path in paths}
    return folders | {name: Source(name, Path(path), revision="0" * 40) for name, path in hub.items()}


def test_models_of_one_folder_name_are_two_models() -> None:
    named = name_apart(found("/m/a/x", "/m/b/x", "/m/y"))
    assert [source.name for source in named.values()] == ["x (a)", "x (b)", "y"]
    assert [str(source.path) for source in named.values()] == ["/m/a/x", "/m/b/x", "/m/y"]


def test_a_folder_of_the_name_of_its_parents_differs_as_far_up_as_it_must() -> None:
    named = name_apart(found("/m/a/run/x", "/m/b/run/x"))
    assert [source.name for source in named.values()] == ["x (a/run)", "x (b/run)"]


def test_one_folder_under_two_names_is_refused() -> None:
    twice: dict[str, Any] = {"x": Source("x", Path("/m/x")), "./x": Source("x", Path("/m/x"))}
    with pytest.raises(UserError, match=r"'x' and './x' are one folder"):
        name_apart(twice)


def test_a_space_of_two_folders_of_one_name_has_an_arm_and_a_folder_for_each(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    models = [str(tmp_path / owner / "x") for owner in "ab"]
    path.write_text(
        "from study.space import Space\n"
        f"SPACE = Space('Which?', {{'method': ['lora'], 'model': {models!r}}}, ['learning_rate'])\n"
    )
    plan = make_plan(Request(str(path)))
    assert [arm.label for arm in plan.compared] == ["lora a/x", "lora b/x"]
    assert [arm.slug for arm in plan.compared] == ["lora-a-x", "lora-b-x"]
