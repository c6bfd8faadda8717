"""Studies of other tasks than word problems: what decides and what is said go by their primary score."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from analysis import searches, verdict
from analysis.judgement.verdicts import judge
from analysis.layout.documents import WRITERS, to_csv
from analysis.layout.terminal import render
from analysis.pictures.figures import difference_matrix, score_by_method
from analysis.pictures.selection import figures
from analysis.searching.best_of import best_of_random
from analysis.searching.scores import search_score, search_scores
from analysis.words.protocol import describe_protocol
from analysis.words.recommendation import recommend
from analysis.words.verdict import say
from tests.analysis.opened import compare, shown
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import (
    CLASSIFICATION,
    EXTRACTION,
    LABELS,
    MEASUREMENT,
    jackknife,
    macro_f1,
    read_answers,
    write_task_study,
)

BY_SKILL = ["lora main", "qlora main"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("tasks")
    tasks = {"labels": CLASSIFICATION, "lengths": MEASUREMENT, "json": EXTRACTION}
    return {name: write_task_study(root / name, task) for name, task in tasks.items()}


@pytest.fixture(scope="module")
def compared(folders):
    return {name: compare(folder) for name, folder in folders.items()}


def test_macro_f1_of_the_table_is_that_of_the_predictions(folders, compared):
    for row in compared["labels"].rows:
        own = [
            f1_score(
                table.reference,
                table.answer.fillna("no label"),
                labels=LABELS,
                average="macro",
                zero_division=0,
            )
            for table in read_answers(folders["labels"], [trial["trial"] for trial in row.arm.confirm])
        ]
        assert row.estimates["macro_f1"].mean == pytest.approx(100 * np.mean(own)), row.name


def test_column_of_the_simulated_aggregate_is_its_jackknife():
    references, answers = np.array(list("aabbc")), np.array(list("ababc"))
    whole = macro_f1(references, answers, "abc")
    left = [macro_f1(np.delete(references, i), np.delete(answers, i), "abc") for i in range(5)]
    expected = [whole + 4 * (np.mean(left) - one) for one in left]
    assert jackknife(references, answers, "abc") == pytest.approx(expected)
    assert np.mean(expected) == pytest.approx(whole)


def test_primary_score_comes_first_and_units_stand_in_the_headers(compared):
    labels, lengths, json_ = (shown(render(compared[name]), 130) for name in ("labels", "lengths", "json"))
    assert " macro F1 % (95%)  accuracy %  answered %    perpl." in labels
    assert " mean error (cm) (95%)  answered %" in lengths
    assert " field F1 % (95%)  valid %  exact match %  answered %" in json_
    assert "less is better" in lengths
    assert "lenient" not in labels + lengths + json_


def test_rows_of_no_fine_tuning_stand_at_the_foot(compared):
    names = [row.name for row in compared["labels"].rows]
    assert names[:2] == BY_SKILL
    assert names[2:] == ["few_shot main", "zero_shot main", "rival_tfidf main", "floor_commonest_answer main"]
    assert [row.name for row in compared["labels"].trained] == BY_SKILL


@pytest.mark.parametrize("name", ["labels", "lengths", "json"])
def test_every_form_of_the_table_has_the_scores(compared, name):
    table = compared[name]
    primary = table.task.primary
    for form, write in WRITERS.items():
        text = write(table)
        assert (primary.name if form == "csv" else primary.measure.name.replace("_", " ")) in text
        assert "accuracy_strict" not in text
        assert "paper" not in text
    first = next(csv.DictReader(io.StringIO(to_csv(table))))
    assert float(first[primary.name]) == table.rows[0].primary.mean
    assert float(first[f"{primary.name}_low"]) == table.rows[0].primary.low


def test_less_is_better_turns_the_ranking_and_no_sign(compared):
    (found,) = judge(compared["lengths"])
    means = [row.primary.mean for row in found.rows]
    assert [row.name for row in found.rows] == BY_SKILL
    assert 0 < means[0] < means[1]
    (pair,) = found.differences
    assert (pair.better, pair.worse) == tuple(BY_SKILL)
    assert pair.estimate.mean == pytest.approx(means[1] - means[0])
    said = " ".join(say(compared["lengths"]))
    assert f"lora main (mean error {means[0]:.2f} cm, 95%: " in said
    assert f"lora main beats qlora main by {pair.estimate.mean:.2f} cm (95%: " in said
    assert "points" not in said
    assert "%)" not in said


def test_matrix_of_differences_is_row_minus_column_where_less_is_better(compared):
    from analysis.pictures.drawing import _cell_text

    (found,) = judge(compared["lengths"])
    matrix = difference_matrix(found)
    assert matrix.title == "Row minus column, mean error (cm)"
    assert _cell_text(matrix.cells[0][1], row_is_better=True).startswith("-")
    assert _cell_text(matrix.cells[1][0], row_is_better=False).startswith("+")


def test_interval_of_a_mean_ends_where_its_range_does(tmp_path):
    arms = [SimulatedArm("zero_shot", accuracy=0.96), SimulatedArm(accuracy=0.99), SimulatedArm("qlora")]
    rows = compare(write_task_study(tmp_path, EXTRACTION, arms)).rows
    assert all(0 <= row.primary.low <= row.primary.mean <= row.primary.high <= 100 for row in rows)
    assert [row.primary.high == 100 for row in rows] == [True, False, True]


def test_mean_without_any_variance_has_no_interval(tmp_path):
    task = replace(EXTRACTION, answer=_all_wrong)
    (row,) = compare(write_task_study(tmp_path, task, [SimulatedArm("floor_empty")])).rows
    assert (row.primary.mean, row.primary.low, row.primary.high) == (0.0, None, None)


def _all_wrong(skill, references, generator):
    nothing = np.zeros(len(references))
    columns = {"field_f1": nothing, "valid": nothing > 0, "exact_match": nothing > 0}
    return {**columns, "text": [""] * len(references), "answer": [None] * len(references)}, {"field_f1": 0.0}


def test_table_of_pairs_takes_the_better_one_off_where_less_is_better(folders, capsys):
    verdict._main([str(folders["lengths"])])
    output = capsys.readouterr().out
    assert " worse - better " in output
    assert "qlora main - lora main" in output
    assert "Differences in mean error (cm)" in " ".join(output.split())


@pytest.mark.parametrize("name", ["labels", "lengths", "json"])
def test_pictures_are_of_the_primary_score(compared, name):
    table = compared[name]
    primary = table.task.primary
    drawn = {figure.name: figure for figure in figures(table, judge(table))}
    assert f"{primary.name.replace('_', '-')}-by-method" in drawn
    assert not [figure for figure in drawn.values() if "ccuracy" in figure.title]
    chart = score_by_method(table)
    direction = "; less is better" if name == "lengths" else ""
    assert chart.y_label == f"{primary.measure.heading} (test questions{direction})"
    # Of prompting, of the rival and of the floors the best.
    assert [level for level, _ in chart.levels] == [
        "few_shot main",
        "rival_tfidf main",
        "floor_commonest_answer main",
    ]


def test_failed_search_trial_scores_the_worst_that_there_is(compared):
    labels, lengths = (compared[name].task.primary for name in ("labels", "lengths"))
    failed = {"status": "failed", "macro_f1": None, "mean_error": None}
    assert search_score(failed, labels) == 0.0
    assert search_score(failed, lengths) is None
    complete = [{"status": "complete", "mean_error": error} for error in (2.0, 7.0, 3.0)]
    assert sorted(search_scores([*complete, failed], lengths)) == [2.0, 3.0, 7.0, 7.0]


def test_best_of_n_falls_where_less_is_better(compared):
    arm = compared["lengths"].rows[0].arm
    curve = best_of_random(arm)
    errors = [row["mean_error"] for row in arm.search]
    assert curve[0].expected == pytest.approx(np.mean(errors))
    assert curve[-1].expected < curve[0].expected
    assert all(min(errors) <= best.low <= best.expected <= best.high <= max(errors) for best in curve)


def test_what_searches_chose_is_in_the_scores_unit(folders, capsys):
    searches._main([str(folders["lengths"])])
    output = " ".join(capsys.readouterr().out.split())
    assert " cm less than on test (mean over 10 choices)" in output
    assert "validation mean error" in output


def test_kept_model_is_described_in_the_scores_unit(compared):
    (line,) = [
        one for one in recommend(compared["lengths"], judge(compared["lengths"])).lines if "kept" in one
    ]
    assert " cm). Its own test score (" in line
    assert "%" not in line


def test_protocol_says_what_the_scores_are(compared):
    labels = " ".join(describe_protocol([], compared["labels"]))
    assert "macro F1 is no mean over questions" in labels
    assert "####" not in labels
    assert "jackknife" not in " ".join(describe_protocol([], compared["json"]))


@pytest.mark.parametrize("entry", [None, {"name": "math_word_problems"}])
def test_word_problems_are_what_they_were_with_an_entry_of_their_task(tmp_path, entry):
    write_study(tmp_path / "plain", search_trials=2)
    write_study(tmp_path / "named", search_trials=2)
    path = tmp_path / "named" / "study.json"
    description = {**json.loads(path.read_text()), "study": "plain", "task": entry}
    path.write_text(json.dumps(description))
    plain, named = (compare(tmp_path / name) for name in ("plain", "named"))
    assert say(plain) == say(named)
    assert to_csv(plain) == to_csv(named)
    assert shown(render(plain)) == shown(render(named))


@pytest.mark.parametrize(
    ("primary", "header", "said"),
    [
        ("accuracy_strict", "strict accuracy % (95%)", r"\(strict accuracy \d\d\.\d to \d\d\.\d%"),
        ("rouge1", "ROUGE-1 (95%)", r"\(ROUGE-1 0\.\d\d\d to 0\.\d\d\d"),
    ],
)
def test_word_problems_can_go_by_another_of_their_scores(tmp_path, primary, header, said):
    write_study(tmp_path)
    path = tmp_path / "study.json"
    entry = {"name": "math_word_problems", "primary": primary}
    path.write_text(json.dumps({**json.loads(path.read_text()), "task": entry}))
    found = compare(tmp_path)
    assert header in shown(render(found), 130)
    assert re.search(said, " ".join(say(found)))
    assert next(csv.DictReader(io.StringIO(to_csv(found))))[primary]
