"""The two accuracies of lm-evaluation-harness's rules: in the wide tables, and not in a terminal's."""

import csv
import io

import numpy as np
import pytest
from rich.console import Console

from analysis.comparison.comparing import comparison
from analysis.layout.documents import to_csv, to_html, to_markdown
from analysis.layout.terminal import render
from analysis.page.frame import render_page
from analysis.reading.folders import open_studies
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_predictions, write_row

PROGRAMS = SimulatedArm("qlora")


@pytest.fixture
def compared(tmp_path):
    arms = [SimulatedArm(), PROGRAMS]
    write_study(tmp_path, arms, questions=4, seeds=())
    for arm in arms:
        row = trial_row(arm)
        columns = {"question_id": list("abcd"), "correct": np.array([1, 1, 0, 0], bool)}
        if arm is not PROGRAMS:
            columns["correct_lm_eval_strict"] = np.array([1, 0, 0, 0], bool)
            columns["correct_lm_eval_flexible"] = np.array([1, 1, 1, 0], bool)
        write_predictions(tmp_path, row["trial"], columns)
        write_row(tmp_path, row)
    studies = open_studies([tmp_path])
    return studies, comparison(studies)


def test_the_published_accuracies_stand_in_the_csv(compared):
    text, programs = csv.DictReader(io.StringIO(to_csv(compared[1])))
    assert float(text["accuracy"]) == 50.0
    assert float(text["accuracy_lm_eval_strict"]) == 25.0
    assert float(text["accuracy_lm_eval_flexible"]) == 75.0
    assert programs["accuracy_lm_eval_strict"] == programs["accuracy_lm_eval_flexible"] == ""


def test_documents_and_the_report_have_the_columns(compared):
    studies, table = compared
    for text in (to_markdown(table), to_html(table), render_page(studies, table, 100)):
        assert "lm-eval strict" in text
        assert "lm-eval flexible" in text


def test_a_terminal_has_no_room_for_them(compared):
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(render(compared[1]))
    assert "lm-eval" not in console.file.getvalue()
