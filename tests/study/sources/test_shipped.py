"""What ships with the project is found by its names, here and where another machine has it installed."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.errors import UserError
from study.sources.finding import find_again, find_code_data, find_data, find_model, fingerprint_folder
from study.sources.shipped import CODE_DATA, DATA, MODELS

FOUND = [
    *((find_model, "model", name, path) for name, path in MODELS.items()),
    *((find_data, "dataset", name, path) for name, path in DATA.items()),
    *((find_code_data, "dataset", name, path) for name, path in CODE_DATA.items()),
]


@pytest.mark.parametrize(("find", "kind", "name", "path"), FOUND)
def test_it_is_found_by_its_name_and_again_elsewhere(find, kind: str, name: str, path: Path) -> None:
    found = find(name)
    assert (found.name, found.path, found.revision) == (name, path, None)
    assert path.is_dir()
    travelled = replace(found, path=Path("/opt/elsewhere").joinpath(*path.parts[-3:]))
    assert find_again(travelled, kind) == found


def test_every_set_of_data_is_code_data_too_but_for_the_one_that_has_its_own() -> None:
    assert find_code_data("embedded-instructions").path == DATA["embedded-instructions"]


def test_a_folder_of_a_shipped_name_that_lies_elsewhere_is_not_taken_for_it(tmp_path: Path) -> None:
    lost = replace(find_model("embedded-chat"), path=tmp_path / "mine" / "embedded-chat")
    with pytest.raises(UserError, match=r"is not on .* or 'embedded-chat'"):
        find_again(lost, "model")


def test_a_file_in_place_of_a_model_is_told_with_the_names_that_ship(tmp_path: Path) -> None:
    (tmp_path / "model").touch()
    with pytest.raises(UserError, match="valid: a folder, a Hub name, or 'embedded' or 'embedded-chat'"):
        find_model(str(tmp_path / "model"))


def test_a_models_fingerprint_has_its_chat_template(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    first = fingerprint_folder(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0] }}", encoding="utf-8")
    assert fingerprint_folder(tmp_path) != first


def test_a_models_chat_template_is_fetched_from_the_hub() -> None:
    from huggingface_hub.utils import filter_repo_objects

    from study.sources.finding import _MODEL_FILES as FETCHED

    names = ["chat_template.jinja", "additional_chat_templates/tools.jinja", "model.safetensors"]
    assert [*filter_repo_objects([*names, "model.py", "model.bin"], allow_patterns=FETCHED)] == names
