"""A results folder that an earlier version wrote is read, printed and gone on with as it was then.

tests/recorded/old_folder.tar.xz is the study of tests/recorded/every_method.json, less its models and logs,
from when each file still carried the descriptions of its columns.
"""

import json
import runpy
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import analysis
from study.results.finished import read_finished
from study.results.folder import ResultsFolder
from study.results.schema import TABLES

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "tests" / "recorded"
# Columns that came after the folder.
LATER = {"task", "primary", "template", "system", "shots", "score", "answer", "group"}
COMMANDS = {
    "tables": [],
    "verdict": [],
    "searches": [],
    "query": ["SELECT arm, accuracy FROM trials WHERE stage = 'confirm' ORDER BY arm"],
    "report": ["-o", "report.html"],
    "plots": ["-o", "plots"],
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("old")
    with tarfile.open(RECORDED / "old_folder.tar.xz") as archive:
        archive.extractall(parent, filter="data")
    return parent / "old_folder"


@pytest.fixture
def old(unpacked: Path, tmp_path: Path) -> Path:
    """A copy of the old folder."""
    return shutil.copytree(unpacked, tmp_path / "old")


def test_its_trials_and_accuracies_are_those_on_record(old: Path) -> None:
    recorded = json.loads((RECORDED / "every_method.json").read_text(encoding="utf-8"))
    folder = ResultsFolder(old)
    rows = {row["trial"]: row for row in folder.read_trials()}
    assert sorted(rows) == sorted(recorded)
    assert read_finished(folder).keys() == rows.keys()  # a resume has nothing left to run
    for trial, known in recorded.items():
        assert rows[trial]["arm"] == known["arm"]
        assert json.loads(rows[trial]["config_json"]) == known["config"]
        correct = [answer[3] for answer in known["predictions"]]
        assert rows[trial]["accuracy"] == pytest.approx(100 * sum(correct) / len(correct))


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in ("report", "plots") else [])
        for name in COMMANDS
    ],
)
def test_every_command_of_the_analysis_reads_it(
    command: str,
    old: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"analysis.{command}", str(old), *COMMANDS[command]])
    runpy.run_module(f"analysis.{command}", run_name="__main__", alter_sys=True)  # SystemExit where it fails
    printed = capsys.readouterr()
    assert "Left out" not in printed.out
    assert printed.err == ""
    if command == "tables":
        assert "stacked-lora python-code" in printed.out


@pytest.mark.parametrize("table", ["trials", "predictions", "history"])
def test_its_columns_are_described_by_its_files_and_by_the_folder_once_it_goes_on(
    table: str, old: Path
) -> None:
    def descriptions() -> dict[str, bytes]:
        schema = getattr(analysis.load(old), table).schema
        return {field.name: field.metadata[b"description"] for field in schema if field.name != "folder"}

    assert descriptions().keys() == {*TABLES[table].names} - LATER
    assert all(descriptions().values())
    folder = ResultsFolder(old)
    folder.describe_columns()
    trial = folder.trial_ids(table)[0]
    rows = pq.read_table(folder.table_path(table, trial)).to_pylist()
    folder.write_table(table, trial, [{**row, **_mapping(row)} for row in rows])  # a row of today beside them
    assert descriptions().keys() == {*TABLES[table].names}
    assert all(descriptions().values())
    now = pq.read_table(folder.table_path(table, trial)).to_pylist()
    assert now == [{**dict.fromkeys(now[0]), **row} for row in rows]
    assert len(read_finished(folder)) == 35


def _mapping(row: dict[str, object]) -> dict[str, object]:
    return {"missing": dict(row["missing"] or [])} if "missing" in row else {}  # type: ignore[call-overload]


@pytest.mark.slow
def test_going_on_with_it_has_nothing_left_to_run(old: Path) -> None:
    command = [sys.executable, "-m", "study.run", "--resume", str(old), "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "at most 0 are left" in " ".join(done.stdout.split())
