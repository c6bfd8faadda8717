"""The tables in tests/cases/folders.py: what is said of folders that are not as a study leaves them."""

import json
import os
import shutil
from contextlib import chdir
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

import analysis
from analysis import query, tables, verdict
from analysis.cells import plain_cell
from analysis.command_line import run_command
from analysis.reading.folders import open_studies
from analysis.reading.kinds import KINDS
from study import export
from study.engine.launch import repeated_choices
from study.plan.plan import Arm, Request, make_plan
from study.protocol.description import describe_study
from study.results.finished import forget_unfinished, read_finished
from study.results.folder import ResultsFolder
from study.results.new_folder import claim_folder
from study.results.schema import TABLES
from study.run import main
from study.search.proposals import Proposals
from study.space import choice, count_values, list_values
from tests.analysis.simulated import write_study
from tests.cases.folders import (
    CELLS,
    COPIES,
    DESCRIPTIONS,
    DISAGREEING,
    ENTRIES,
    IN_PLACE_OF_FOLDERS,
    PARQUET,
    Change,
    Folder,
    first_file,
)

named = {"ids": lambda case: case.name}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder as a study leaves it: simulated rows, and the description of a real plan."""
    root = write_study(tmp_path_factory.mktemp("whole") / "study", questions=12, seeds=(1, 2))
    simulated = json.loads((root / "study.json").read_text(encoding="utf-8"))
    plan = make_plan(
        Request("lora_vs_qlora", replicates=1, confirm_seeds=2, trials=1, settings={"variant": "main"})
    )
    described = describe_study("study", plan, 1, 1, None)
    kept = {name: simulated[name] for name in ("arms", "compared", "finished_at")}
    planned = {arm["label"]: arm for arm in described["arms"]}
    arms = [{**next(iter(planned.values())), **arm} for arm in kept["arms"]]
    text = json.dumps({**described, **kept, "arms": arms})
    (root / "study.json").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def study(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "study")


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def analysed(study: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit status of the table's command on a study, and what it printed, on one line."""
    try:
        run_command(lambda _: tables._main([str(study), "--format", "markdown"]))
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, printed(capsys).replace("\\", "")


def resumed(study: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line in which the study's command refuses to go on."""
    assert main(["--resume", str(study)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


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


@pytest.mark.parametrize("case", DISAGREEING, **named)
def test_answers_that_are_not_those_of_their_row_are_left_out(
    case: Folder, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = verdict.say(tables.compare_finished(open_studies([study])))
    case.change(study)
    studies = open_studies([study])
    repeats = [row.repeats for row in tables.compare_finished(studies).rows]
    verdict._main([str(study)])
    said = printed(capsys)
    assert "1e+09%" not in said
    assert "1000000000" not in said
    assert "nan%" not in said
    if case.says is None:
        assert verdict.say(tables.compare_finished(studies)) == before
    else:
        assert case.says in said
    is_of_row = "column accuracy" in (case.says or "")  # the answers still stand
    assert sorted(repeats) == ([2, 2] if case.says is None or is_of_row else [1, 2])


@pytest.mark.parametrize("name", ["answers are cut off", "answers are doubled", "no answer is left"])
def test_a_resume_runs_a_trial_again_whose_answers_are_not_as_many(name: str, study: Path) -> None:
    (case,) = (case for case in DISAGREEING if case.name == name)
    folder = ResultsFolder(study)
    before = read_finished(folder)
    assert before.keys() == set(folder.trial_ids())
    damaged = first_file(study, "predictions").stem
    case.change(study)
    finished = read_finished(folder)
    assert before.keys() - finished.keys() == {damaged}
    forget_unfinished(folder, finished)
    assert damaged not in folder.trial_ids()


def test_trials_whose_answers_are_gone_are_counted_and_run_again(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(study / "predictions")
    verdict._main([str(study)])
    said = printed(capsys)
    again = f"python -m study.run --resume {study} runs them again."
    assert f"Left out, for predictions that are missing: 4 trials; {again}" in said
    assert read_finished(ResultsFolder(study)) == {}


def test_the_answers_of_a_search_are_not_asked_for(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.create()
    row = {"status": "complete", "method": "lora", "accuracy": 50.0, "search_score": 50.0, "questions": 2}
    folder.finish_trial({**row, "trial": "a", "stage": "search"})
    folder.finish_trial({**row, "trial": "b", "stage": "confirm"})
    folder.finish_trial({**row, "trial": "c", "stage": "confirm", "status": "pruned", "accuracy": None})
    assert read_finished(folder).keys() == {"a", "c"}


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


def test_an_export_says_that_a_scored_model_is_gone(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = study / "study.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    for arm in description["arms"]:
        arm["search_trials"] = 1
    file.write_text(json.dumps(description), encoding="utf-8")
    command = [str(study), "--arm", "lora main", "--to", str(study.with_name("to"))]
    assert export.main(command) == 2
    assert (
        "the model of arm 'lora main' is gone: it has been scored, and its folder" in capsys.readouterr().err
    )
    for path in (study / "trials").glob("*.parquet"):
        path.unlink()
    assert export.main(command) == 2
    assert "has kept no model: none of them has been scored" in capsys.readouterr().err


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
    said = verdict.say(tables.compare_finished(open_studies([study])))
    change(study)
    both = [study, study.with_name("copy")]
    for folders in (both, both[::-1], [study.parent]):
        assert verdict.say(tables.compare_finished(open_studies(folders))) == said
    _, table = analysed(study.parent, capsys)
    assert ("each counts once" in table) == noted
    if not noted:
        assert analysis.load(study.parent).trials.num_rows == alone.trials.num_rows


@pytest.mark.parametrize(("cell", "written"), CELLS)
def test_a_cell_of_csv_is_no_formula(cell: object, written: object) -> None:
    assert plain_cell(cell) == written


def test_csv_of_the_table_and_of_a_query_runs_nothing(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = first_file(study, "trials")
    for file in path.parent.glob("*.parquet"):
        table = pq.read_table(file)
        place = table.column_names.index("arm")
        pq.write_table(table.set_column(place, "arm", pa.array(["=1+1"])), file)
    tables._main([str(study), "--format", "csv"])
    out = capsys.readouterr().out
    assert "\n'=1+1," in out
    assert "\n=" not in out
    query._main([str(study), "SELECT DISTINCT arm, -1.5 AS x FROM trials", "--format", "csv"])
    assert capsys.readouterr().out.splitlines() == ["arm,x", "'=1+1,-1.5"]


@pytest.mark.parametrize(
    ("entry", "value", "says"),
    [
        ("schema_version", 99, "newer version of the project (its schema is 99"),
        ("schema_version", None, "can't be exported"),
        ("arms", {}, "can't be exported (arms: "),
        ("arms", [], "unknown arm"),
    ],
)
def test_an_export_looks_at_the_version_and_the_shape(
    entry: str, value: object, says: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = study / "study.json"
    description = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**description, entry: value}), encoding="utf-8")
    assert export.main([str(study), "--arm", "lora main", "--to", str(study.with_name("to"))]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not study.with_name("to").exists()


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


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (choice(8, 8, 16), [8, 16]),
        (choice(8, 8.0), [8]),
        (choice("a", "b"), ["a", "b"]),
        (IntDistribution(1, 3), [1, 2, 3]),
        (IntDistribution(2, 8, step=3), [2, 5, 8]),
        (IntDistribution(1, 4, log=True), [1, 2, 3, 4]),
        (FloatDistribution(0, 1, step=0.5), [0.0, 0.5, 1.0]),
        (FloatDistribution(1.0, 1.0), [1.0]),
        (FloatDistribution(1.0, 1.0 + 2**-52), [1.0, 1.0 + 2**-52]),
    ],
)
def test_the_values_of_a_range_are_counted(distribution: BaseDistribution, values: list[object]) -> None:
    assert count_values(distribution) == len(values)
    assert list(list_values(distribution)) == values


@pytest.mark.parametrize(
    "ranges",
    [
        {"rank": choice(4, 4, 8)},
        {"rank": IntDistribution(1, 7), "alpha": choice(8.0)},
        {"rank": choice(4, 8), "alpha": FloatDistribution(8, 16, step=8), "lora_dropout": choice(0.0, 0.0)},
        {"learning_rate": FloatDistribution(1.0, 1.0 + 2**-50)},
        {"rank": IntDistribution(1, 1000, log=True)},
    ],
)
def test_a_search_of_a_small_space_tries_each_value_once_and_ends(
    ranges: dict[str, BaseDistribution],
) -> None:
    (_, arm, *_) = make_plan(Request("lora_vs_qlora", settings={"variant": "main"})).arms
    sizes = [count_values(distribution) for distribution in ranges.values()]
    trials = min(40, int(sizes[0] * (sizes[1] if len(sizes) > 1 else 1)))
    search = Proposals(_with(arm, ranges, trials), 0, parallel=True)
    tried = [tuple(search.propose().values()) for _ in range(trials)]
    assert len(set(tried)) == trials


def _with(arm: Arm, ranges: dict[str, BaseDistribution], trials: int) -> Arm:
    import dataclasses

    return dataclasses.replace(arm, ranges=ranges, guesses=(), search_trials=trials)


def test_a_choice_that_is_named_twice_is_tried_once_and_said(tmp_path: Path) -> None:
    space = tmp_path / "space.py"
    text = "from study.space import *\n"
    text += "SPACE = Space('?', {'method': ['lora']}, ['rank'], ranges={'rank': choice(4, 4, 8)})\n"
    space.write_text(text, encoding="utf-8")
    plan = make_plan(Request(str(space), trials=5, replicates=3))
    (arm,) = plan.compared
    assert isinstance(arm.ranges["rank"], CategoricalDistribution)
    assert arm.search_trials == 2
    assert repeated_choices(plan) == ["the choices of rank name a value twice; each value is tried as one"]
