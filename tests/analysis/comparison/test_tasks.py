"""Studies of several tasks, or by several primary scores: refused in a line, never compared in silence."""

import pytest

from analysis import searches, tables, verdict
from analysis.command_line import run_command
from analysis.comparison.comparing import comparison
from analysis.errors import AnalysisError
from analysis.reading.folders import open_studies
from tests.analysis.opened import compare
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import (
    CLASSIFICATION,
    EXTRACTION,
    MEASUREMENT,
    TASK_ARMS,
    with_entry,
    write_task_study,
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("tasks")
    tasks = {"labels": CLASSIFICATION, "lengths": MEASUREMENT, "json": EXTRACTION}
    return {name: write_task_study(root / name, task, replicates=2) for name, task in tasks.items()}


def refusal(*folders):
    with pytest.raises(AnalysisError) as refused:
        comparison(open_studies(folders))
    return str(refused.value)


def test_studies_of_two_tasks_are_refused(folders, tmp_path):
    said = refusal(folders["labels"], folders["json"])
    assert said.startswith("only studies of one task, by one primary score, can be compared: '")
    assert "is of classification by macro_f1" in said
    assert "of extraction by field_f1" in said
    assert "math_word_problems" in refusal(folders["labels"], write_study(tmp_path))


def test_studies_by_two_primary_scores_are_refused(folders, tmp_path):
    other = write_task_study(tmp_path, with_entry(CLASSIFICATION, primary="accuracy"))
    assert "of classification by accuracy" in refusal(folders["labels"], other)


def test_scores_of_one_name_that_are_defined_differently_are_refused(folders, tmp_path):
    scores = [dict(one) for one in MEASUREMENT.entry["scores"]]
    scores[0]["unit"] = "mm"
    other = write_task_study(tmp_path, with_entry(MEASUREMENT, scores=scores))
    assert refusal(folders["lengths"], other).endswith("their scores are defined differently")


@pytest.mark.parametrize("command", [tables, verdict, searches])
def test_refusal_is_one_line_and_exit_status_2(folders, capsys, command):
    paths = [str(folders["labels"]), str(folders["json"])]
    with pytest.raises(SystemExit) as ended:
        run_command(lambda _: command._main(paths))
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_studies_of_one_task_are_pooled(folders, tmp_path):
    more = write_task_study(tmp_path, CLASSIFICATION, TASK_ARMS, seed=1)
    both = compare(folders["labels"], more)
    assert [row.name for row in both.trained]
    assert both.task.primary.name == "macro_f1"


def test_versions_of_a_tasks_file_are_said(tmp_path):
    for version in ("one", "two"):
        task = with_entry(MEASUREMENT, fingerprint=version)
        write_task_study(tmp_path / version, task, [SimulatedArm("zero_shot")])
    notes = compare(tmp_path / "one", tmp_path / "two").notes
    assert notes[0] == "The file of the task lengths is of 2 versions: their scores may differ."
