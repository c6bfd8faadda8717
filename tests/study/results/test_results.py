import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import analysis
from study.errors import UserError
from study.results.folder import ResultsFolder
from study.results.new_folder import check_writable
from study.results.schema import SCHEMA_VERSION, TABLES, VERSION_KEY

ROW = {"trial": "abc", "status": "complete", "accuracy": 50.0, "missing": {"similarity": "not installed"}}


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    folder = ResultsFolder(tmp_path / "study")
    folder.create()
    return folder


def test_a_row_is_read_back_with_nulls_for_what_is_missing(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW)
    row = folder.read_trial("abc")
    assert row is not None
    assert row["accuracy"] == 50.0
    assert row["missing"] == {"similarity": "not installed"}
    assert row["rouge1"] is None


def test_every_file_carries_the_schemas_version(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW, [{"trial": "abc"}], [{"trial": "abc", "step": 1}])
    for table in TABLES:
        metadata = pq.read_schema(folder.table_path(table, "abc")).metadata
        assert metadata[VERSION_KEY] == str(SCHEMA_VERSION).encode()


def test_every_column_is_described_once_in_the_folder_and_in_none_of_its_files(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW, [{"trial": "abc"}], [{"trial": "abc", "step": 1}])
    folder.describe_columns()
    described = json.loads((folder.root / "columns.json").read_text(encoding="utf-8"))
    assert described.pop("schema_version") == SCHEMA_VERSION
    assert described.keys() == TABLES.keys()
    for table, columns in described.items():
        schema = pq.read_schema(folder.table_path(table, "abc"))
        assert schema.equals(TABLES[table])
        types = {field.name: str(field.type) for field in TABLES[table]}
        assert {name: about["type"] for name, about in columns.items()} == types
        assert all(about["description"] for about in columns.values())
        assert not [field.name for field in schema if b"description" in (field.metadata or {})]
    assert folder.table_path("trials", "abc").stat().st_size < 12_000


@pytest.mark.parametrize("there", [None, b"", b'{"schema_version": 1}'])
def test_a_resume_writes_the_columns_where_they_are_of_another_version(
    folder: ResultsFolder, there: bytes | None
) -> None:
    path = folder.root / "columns.json"
    folder.describe_columns()
    written = path.read_bytes()
    path.unlink() if there is None else path.write_bytes(there)
    folder.describe_columns()
    assert path.read_bytes() == written
    before = path.stat().st_mtime_ns, path.stat().st_ino
    folder.describe_columns()
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.parametrize("there", [True, False])
def test_the_frames_have_the_descriptions_of_the_folder(folder: ResultsFolder, there: bool) -> None:
    folder.write_description({"study": "mine"})
    folder.finish_trial(ROW, [{"trial": "abc"}])
    if there:
        folder.describe_columns()
    frames = analysis.load(folder.root)
    for table in (frames.trials, frames.predictions):
        described = [field.name for field in table.schema if b"description" in (field.metadata or {})]
        assert described == ([name for name in table.column_names if name != "folder"] if there else [])
    assert frames.exclusions == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"trials": 7}', b'{"trials": {"accuracy": "%"}}'])
def test_a_columns_file_of_another_shape_costs_the_descriptions_alone(
    folder: ResultsFolder, content: bytes
) -> None:
    folder.write_description({"study": "mine"})
    folder.finish_trial(ROW)
    (folder.root / "columns.json").write_bytes(content)
    frames = analysis.load(folder.root)
    assert frames.trials["accuracy"].to_pylist() == [50.0]
    (exclusion,) = frames.exclusions
    assert str(exclusion) == "study/columns.json: describes no columns"


def test_a_partial_row_is_not_finished(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW)
    path = folder.table_path("trials", "abc")
    path.write_bytes(path.read_bytes()[:-20])
    assert folder.read_trial("abc") is None
    assert folder.read_trials() == []


def test_a_corrupt_row_is_left_out_alone_and_columns_can_be_chosen(folder: ResultsFolder) -> None:
    for trial in ("a", "b", "c"):
        folder.finish_trial({**ROW, "trial": trial})
    folder.table_path("trials", "b").write_bytes(b"PAR1, or so it says")
    assert folder.read_trials(["accuracy"]) == [{"trial": t, "accuracy": 50.0} for t in ("a", "c")]
    assert [row["missing"] for row in folder.read_trials()] == [ROW["missing"]] * 2


def test_a_column_that_an_older_file_lacks_is_null(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW)
    older = pq.read_table(folder.table_path("trials", "abc"), partitioning=None).drop_columns(["rank"])
    pq.write_table(older, folder.table_path("trials", "abc"))
    folder.finish_trial({**ROW, "trial": "def", "rank": 4})
    assert [row["rank"] for row in folder.read_trials(["rank"])] == [None, 4]
    assert (folder.read_trial("abc") or {})["rank"] is None


def test_a_row_under_another_trials_name_is_not_taken_for_it(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW)
    os.rename(folder.table_path("trials", "abc"), folder.table_path("trials", "def"))
    assert folder.read_trials() == []


def test_a_write_that_fails_leaves_nothing_behind(
    folder: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="No space"):
        folder.finish_trial(ROW)
    assert list((folder.root / "trials").glob("*.parquet")) == []
    assert list((folder.root / "trials").iterdir()) == []


def test_an_unknown_column_is_a_bug_that_shows(folder: ResultsFolder) -> None:
    with pytest.raises(KeyError, match="acuracy"):
        folder.finish_trial({"trial": "abc", "acuracy": 1.0})


def test_reading_touches_nothing(folder: ResultsFolder) -> None:
    folder.finish_trial(ROW)
    before = {path: path.stat().st_mtime_ns for path in folder.root.rglob("*")}
    folder.read_trials()
    assert before == {path: path.stat().st_mtime_ns for path in folder.root.rglob("*")}


def test_a_folder_without_study_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no readable study\.json"):
        ResultsFolder(tmp_path).read_description()


def test_a_results_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is not a folder"):
        check_writable(tmp_path / "file" / "results")
    assert not check_writable(tmp_path / "new" / "results")
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_refused_to_a_second_run(folder: ResultsFolder) -> None:
    in_use = rf"is in use by process {os.getpid()} on "
    with folder.in_use(), pytest.raises(UserError, match=in_use), folder.in_use():
        pass
    with folder.in_use():
        pass


def test_a_killed_run_does_not_hold_its_folder(folder: ResultsFolder) -> None:
    script = (
        "import os, signal, sys; from study.results.folder import ResultsFolder\n"
        "with ResultsFolder(sys.argv[1]).in_use(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(folder.root)])
    assert killed.returncode == -signal.SIGKILL
    with folder.in_use():
        pass
