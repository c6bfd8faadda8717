"""Pushing an exported model to the Hub."""

import builtins
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import HTTPError

from study.errors import UserError
from study.export import main as export_main
from study.export import push


class Hub:
    """A stand-in for the Hub's client: remembers what it is told, and refuses if it is given an error."""

    def __init__(self, error: Exception | None = None):
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._error = error

    def create_repo(self, name: str, **options: Any) -> None:
        if self._error:
            raise self._error
        self.calls.append(("create", {"name": name, **options}))

    def upload_folder(self, **options: Any) -> None:
        files = sorted(path.name for path in Path(options["folder_path"]).iterdir())
        self.calls.append(("upload", {**options, "files": files}))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "x"
    folder.mkdir()
    for name in ("README.md", "adapter_model.safetensors"):
        (folder / name).write_text("x", encoding="utf-8")
    return folder


@pytest.mark.parametrize("answer", ["", "n", "no", "maybe", None])
def test_pushing_asks_first_and_takes_only_yes(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str | None
) -> None:
    hub, asked = Hub(), []

    def reply(text: str) -> str:
        asked.append(text)
        if answer is None:
            raise EOFError  # no terminal
        return answer

    monkeypatch.setattr("huggingface_hub.HfApi", lambda: hub)
    monkeypatch.setattr(builtins, "input", reply)
    push(exported, "me/x")
    assert hub.calls == []
    assert asked == [
        f"Push 2 files (0.0 MB) of '{exported}' to the Hub as 'me/x'? A new repository is private. [y/N] "
    ]
    assert capsys.readouterr().out == "Not pushed.\n"


def test_a_yes_pushes_the_exported_folder(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub()
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: hub)
    monkeypatch.setattr(builtins, "input", lambda text: "y")
    push(exported, "me/x")
    files = ["README.md", "adapter_model.safetensors"]
    assert hub.calls == [
        ("create", {"name": "me/x", "private": True, "exist_ok": True}),
        ("upload", {"repo_id": "me/x", "folder_path": str(exported), "files": files}),
    ]
    assert capsys.readouterr().out == "Pushed to me/x.\n"


@pytest.mark.parametrize("error", [OSError("no token\nlog in"), HTTPError("no route")], ids=["os", "http"])
def test_a_hub_that_refuses_is_one_line(
    exported: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: Hub(error))
    monkeypatch.setattr(builtins, "input", lambda text: "yes")
    with pytest.raises(UserError, match=r"could not be pushed to 'me/x': no (token|route)$"):
        push(exported, "me/x")
    assert exported.is_dir()


def test_a_name_that_the_hub_cannot_have_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path), "--arm", "a", "--to", str(tmp_path / "x"), "--push-to-hub", "not a name"]
    assert export_main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --push-to-hub: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()
