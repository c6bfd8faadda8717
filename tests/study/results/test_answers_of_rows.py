"""Rows whose answers are gone, or are not those that they were made from."""

import importlib
import shutil
import sys
from pathlib import Path

import pytest

from analysis import verdict
from analysis.command_line import run_command
from analysis.comparison.comparing import compare_finished
from analysis.reading.folders import open_studies
from analysis.words.verdict import say
from study.results.finished import forget_unfinished, missing_parts, read_finished
from study.results.folder import ResultsFolder
from tests.cases.folders import (
    DISAGREEING,
    Folder,
    first_file,
)
from tests.study.results.commands import printed

named = {"ids": lambda case: case.name}


@pytest.mark.parametrize("case", DISAGREEING, **named)
def test_answers_that_are_not_those_of_their_row_are_left_out(
    case: Folder, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = say(compare_finished(open_studies([study])))
    case.change(study)
    studies = open_studies([study])
    repeats = [row.repeats for row in compare_finished(studies).rows]
    verdict._main([str(study)])
    said = printed(capsys)
    assert "1e+09%" not in said
    assert "1000000000" not in said
    assert "nan%" not in said
    if case.says is None:
        assert say(compare_finished(studies)) == before
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


def mid_run_copy(study: Path) -> Path:
    """A copy whose tables were copied before its rows, and a search trial and three trainings in between."""
    copy = study.with_name("copy")
    shutil.copytree(study, copy)
    rows = ResultsFolder(copy).read_trials()
    confirmed = [row["trial"] for row in rows if row["stage"] == "confirm"]
    for trial in confirmed[:2]:
        (copy / "predictions" / f"{trial}.parquet").unlink()
    for trial in confirmed[:3]:
        (copy / "history" / f"{trial}.parquet").unlink()
    folder = ResultsFolder(copy)
    folder.finish_trial({**rows[0], "trial": "feed", "stage": "search", "search_score": 1.0})
    return copy


@pytest.mark.parametrize("command", ["tables", "verdict", "report", "searches", "query", "plots"])
def test_every_command_of_the_analysis_notices_a_copy_made_in_mid_run(
    command: str,
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy = mid_run_copy(study)
    out = tmp_path / "out.html"
    options = {"query": ["SELECT 1"], "plots": ["-o", str(tmp_path / "plots")], "report": ["-o", str(out)]}
    monkeypatch.setattr("analysis.plots.write_plots", lambda *rest: [])
    monkeypatch.setattr(sys, "argv", [command, str(copy), *options.get(command, [])])
    run_command(importlib.import_module(f"analysis.{command}")._main)
    said = printed(capsys) + (out.read_text(encoding="utf-8") if out.exists() else "")
    copied = "deleted, or the folder was copied while the study ran"
    assert f"copy/history: missing for 4 of 5 trainings: {copied}" in said
    assert f"copy/predictions: missing for 1 of 1 search trials: {copied}" in said
    if command != "searches":
        assert "2 trials; python -m study.run --resume" in said


def test_a_resume_says_what_a_copy_made_in_mid_run_lacks(study: Path) -> None:
    whole = ResultsFolder(study)
    assert missing_parts(whole, read_finished(whole)) == []
    copy = ResultsFolder(mid_run_copy(study))
    (said,) = missing_parts(copy, read_finished(copy))
    assert said == (
        "of the trials on record, 2 without predictions run again, 1 of a search stay without predictions, "
        "2 stay without a history: they were deleted, or the folder was copied while the study ran; "
        "then stop, and copy it again"
    )
