"""resume.journal: notes of the rows, so that a resume need not decode thousands; never without the rows."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.results import row_files
from study.results.finished import forget_unfinished, read_ended, read_finished
from study.results.folder import ResultsFolder
from study.results.row_journal import NAME, Notes, add_notes

Rows = dict[str, dict[str, Any]]


def row_of(trial: str, **others: Any) -> dict[str, Any]:
    row = {"trial": trial, "arm": "lora main", "replicate": 0, "method": "lora", "stage": "search"}
    values = {"status": "complete", "search_number": int(trial, 16), "search_score": 41.0, "accuracy": 41.5}
    return {**row, **values, "rung_losses": [2.5, None], "config_json": json.dumps({"rank": 8}), **others}


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    """A folder of three trials, whose driver has read them all."""
    folder = ResultsFolder(tmp_path / "study")
    folder.create()
    for trial in ("a", "b", "c"):
        folder.finish_trial(row_of(trial))
        assert read_ended(folder, trial) is not None
    return folder


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The trials whose rows are decoded from now on."""
    trials: list[str] = []
    decode = row_files.decode_row

    def count(content: bytes, trial_id: str, names: Any) -> Any:
        trials.append(trial_id)
        return decode(content, trial_id, names)

    monkeypatch.setattr(row_files, "decode_row", count)
    return trials


def without_notes(folder: ResultsFolder) -> Rows:
    """What a resume goes by where there is no journal."""
    bare = ResultsFolder(folder.root.with_name("bare"))
    shutil.copytree(folder.root, bare.root, ignore=shutil.ignore_patterns(NAME))
    return {trial: dict(row) for trial, row in read_finished(bare).items()}


def test_noted_rows_are_the_rows_and_are_not_decoded(folder: ResultsFolder, decoded: list[str]) -> None:
    noted = read_finished(folder)
    assert decoded == []
    rows = without_notes(folder)
    assert noted == rows
    assert [list(row) for row in noted.values()] == [list(row) for row in rows.values()]
    assert [[*map(type, row.values())] for row in noted.values()] == [
        [*map(type, row.values())] for row in rows.values()
    ]


def test_a_copied_folder_has_its_notes_and_a_deleted_row_is_gone(
    folder: ResultsFolder, decoded: list[str]
) -> None:
    copy = ResultsFolder(shutil.copytree(folder.root, folder.root.with_name("copy")))
    copy.table_path("trials", "b").unlink()
    assert list(read_finished(copy)) == ["a", "c"]
    assert decoded == []


def test_a_row_that_was_written_anew_is_read_anew(folder: ResultsFolder, decoded: list[str]) -> None:
    folder.finish_trial(row_of("b", accuracy=12.5))
    assert read_finished(folder)["b"]["accuracy"] == 12.5
    assert decoded == ["b"]


def test_a_row_of_zeros_of_the_right_size_is_not_finished(folder: ResultsFolder) -> None:
    path = folder.table_path("trials", "b")
    path.write_bytes(bytes(path.stat().st_size))
    assert list(read_finished(folder)) == ["a", "c"]


def test_the_row_of_another_trial_is_not_this_ones(folder: ResultsFolder) -> None:
    shutil.copy(folder.table_path("trials", "a"), folder.table_path("trials", "b"))
    assert list(read_finished(folder)) == ["a", "c"]


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda content: content[:-20],
    "cut at a line's beginning": lambda content: content[: len(content) // 3 + 5],
    "a hole": lambda content: content[:100] + bytes(200) + content[300:],
    "another figure": lambda content: content.replace(b"41.5", b"99.5"),
    "no text": lambda content: b"\x00\xff\xfe" * 99,
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_spoilt_note_is_none(folder: ResultsFolder, spoil: str) -> None:
    rows, path = without_notes(folder), folder.root / NAME
    path.write_bytes(SPOILS[spoil](path.read_bytes()))
    assert read_finished(folder) == rows
    folder.finish_trial(row_of("d"))
    read_ended(folder, "d")  # goes into a line of its own
    assert Notes(folder.root, list(rows["a"])).find("d", folder.read_content("d") or b"") is not None


def test_a_note_of_other_columns_is_none(folder: ResultsFolder, decoded: list[str]) -> None:
    (folder.root / NAME).unlink()
    contents = [(folder.read_content(trial) or b"", row_of(trial)) for trial in ("a", "b", "c")]
    add_notes(folder.root, ["trial", "status"], contents)
    assert read_finished(folder) == without_notes(folder)
    assert {"a", "b", "c"} <= set(decoded)


def test_a_resume_notes_what_has_no_note_and_a_dry_run_nothing(
    folder: ResultsFolder, decoded: list[str]
) -> None:
    (folder.root / NAME).unlink()
    finished = read_finished(folder)
    assert not (folder.root / NAME).exists()
    forget_unfinished(folder, finished)
    decoded.clear()
    assert read_finished(folder) == finished
    assert decoded == []


@pytest.mark.parametrize("there", ["a folder", "read only"])
def test_where_there_can_be_no_journal_the_rows_are_read(folder: ResultsFolder, there: str) -> None:
    rows, path = without_notes(folder), folder.root / NAME
    path.unlink()
    path.mkdir() if there == "a folder" else path.touch(mode=0o400)
    forget_unfinished(folder, rows)
    assert read_finished(folder) == rows
