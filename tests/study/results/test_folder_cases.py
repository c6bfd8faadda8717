"""The tables in tests/cases/folders: what is said of folders that are not as a study leaves them."""

import json
import os
from contextlib import chdir
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import analysis
from analysis.comparison.comparing import compare_finished
from analysis.reading.folders import open_studies
from analysis.reading.kinds import KINDS
from analysis.words.verdict import say
from study.results.folder import ResultsFolder
from study.results.new_folder import claim_folder
from study.results.schema import TABLES
from study.run import main
from tests.cases.folders import (
    COPIES,
    DESCRIPTIONS,
    ENTRIES,
    IN_PLACE_OF_FOLDERS,
    PARQUET,
    Change,
    Folder,
    first_file,
)
from tests.study.results.commands import analysed, resumed

named = {"ids": lambda case: case.name}


@pytest.mark.parametrize("case", [*DESCRIPTIONS, *ENTRIES], **named)
def test_a_study_json_of_another_shape(case: Folder, study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.change(study)
    status, said = analysed(study, capsys)
    assert status == (2 if case.refused else 0), said
    assert case.says is None or case.says in said
    if case.resumed is not None:
        assert case.resumed in resumed(study, capsys)
    if case.refused:
        with pytest.raises(analysis.errors.AnalysisError):
            analysis.load(study)


@pytest.mark.parametrize("case", PARQUET, **named)
def test_a_file_of_parquet_of_another_shape(
    case: Folder, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = analysed(study, capsys)
    case.change(study)
    status, said = analysed(study, capsys)
    assert status == 0
    if case.says is None and "pipe" not in case.name:
        assert (status, said) == before
    assert case.says is None or case.says in said
    frames = analysis.load(study)
    assert frames.trials.num_rows >= 3
    assert frames.predictions.num_rows >= 3
    ids = {row["trial"] for row in ResultsFolder(study).read_trials()}  # those that a resume would keep
    assert len(ids) in (3, 4)


@pytest.mark.parametrize("case", IN_PLACE_OF_FOLDERS, **named)
def test_a_file_in_the_place_of_a_folder_is_named(
    case: Folder, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case.change(study)
    for options in ([], ["--dry-run"]):
        assert main(["--resume", str(study), *options]) == 2
        error = capsys.readouterr().err
        assert case.resumed is not None
        assert case.resumed in error
        assert error.count("\n") == 1


def test_a_resume_runs_a_trial_again_whose_row_is_of_other_types(study: Path) -> None:
    folder = ResultsFolder(study)
    trial = first_file(study, "trials").stem
    assert folder.read_trial(trial) is not None
    table = pq.read_table(folder.table_path("trials", trial))
    place = table.column_names.index("accuracy")
    pq.write_table(table.set_column(place, "accuracy", pa.array(["40%"])), folder.table_path("trials", trial))
    assert folder.read_trial(trial) is None
    assert folder.read_trial(trial, ["status"]) is not None


@pytest.mark.parametrize(("name", "change", "noted"), COPIES)
def test_a_copy_beside_the_original_counts_once(
    name: str, change: Change, noted: bool, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = analysis.load(study)
    said = say(compare_finished(open_studies([study])))
    change(study)
    both = [study, study.with_name("copy")]
    for folders in (both, both[::-1], [study.parent]):
        assert say(compare_finished(open_studies(folders))) == said
    _, table = analysed(study.parent, capsys)
    assert ("each counts once" in table) == noted
    if not noted:
        assert analysis.load(study.parent).trials.num_rows == alone.trials.num_rows


def test_the_kinds_of_the_columns_are_those_of_the_schema() -> None:
    described = {field.name: field.type for schema in TABLES.values() for field in schema}
    assert {name: kind for name, (_, _, kind) in KINDS.items()} == described


def test_studies_that_begin_in_one_second_each_have_a_folder(tmp_path: Path) -> None:
    claimed = [claim_folder(tmp_path / "new", "./my_space.py") for _ in range(5)]
    names = [name for name, _ in claimed]
    assert len({*names}) == 5
    assert all(name.startswith("my_space-") for name in names)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(names)
    assert all((tmp_path / "new" / name / "trials").is_dir() for name in names)


def test_a_resume_reads_names_as_the_study_did_that_it_goes_on_with(
    tmp_path: Path, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began, elsewhere = tmp_path / "began", tmp_path / "elsewhere"
    for folder, question in ((began, "Mine?"), (elsewhere, "Another?")):
        folder.mkdir()
        text = f"from study.space import Space\nSPACE = Space({question!r}, {{'methods': ['lora']}}, [])\n"
        (folder / "space.py").write_text(text, encoding="utf-8")
    file = study / "study.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    description |= {"directory": str(began), "request": {**description["request"], "space": "./space.py"}}
    file.write_text(json.dumps(description), encoding="utf-8")
    (elsewhere / "space.py").unlink()
    with chdir(elsewhere):
        # The space is found, and found wanting: from `elsewhere` it would not be there.
        assert "unknown factor 'methods'" in resumed(Path(os.path.relpath(study)), capsys)
        assert Path.cwd() == elsewhere
