"""The task of a study.json: what is kept of it, and what is refused in a line."""

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import analysis
from analysis.comparison.comparing import comparison
from analysis.errors import AnalysisError
from analysis.reading.folders import open_studies
from analysis.reading.tasks import MATH, read_task
from analysis.words.verdict import say
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import CLASSIFICATION, MEASUREMENT, score, with_entry, write_task_study


def task_of(**entry):
    return read_task({**CLASSIFICATION.entry, **entry}, "study.json")


def test_study_without_a_task_is_of_word_problems():
    assert read_task(None, "study.json") is MATH
    assert MATH.primary.name == "accuracy"


def test_primary_score_is_the_one_that_is_named():
    task = task_of()
    assert task.primary.measure.name == "macro F1"
    assert [one.name for one in task.others] == ["accuracy"]
    assert task.right.name == task.by_question.name == "accuracy"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"primary": "bleu"},
            r"task.primary must be one of its scores \(accuracy, macro_f1\), received 'bleu'",
        ),
        ({"primary": None}, "task.primary must be one of its scores"),
        ({"scores": []}, "the task classification has no scores"),
        ({"scores": [score("../x")]}, r"task.scores.0.name must be lower case letters.*received '../x'"),
        ({"scores": [score("a", "sum")]}, "task.scores.0.kind must be share or mean, received 'sum'"),
        ({"scores": [score("a"), score("a")]}, "two scores of the task are called a"),
    ],
)
def test_task_that_does_not_say_by_what_to_judge_is_refused(entry, said):
    with pytest.raises(AnalysisError, match=said):
        task_of(**entry)


def test_task_that_is_no_object_is_refused_and_not_taken_for_word_problems(tmp_path):
    write_task_study(tmp_path, replicates=1, trials=1)
    path = tmp_path / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "task": 5}))
    with pytest.raises(AnalysisError, match="task must be an object with the task's name"):
        open_studies([tmp_path])


def test_hostile_words_of_a_task_are_one_short_line():
    task = task_of(scores=[score("a", label="\x1b[2J" + "wide " * 40, unit="\n\n")], primary="a")
    assert task.primary.measure.name.startswith("\\x1b[2J")
    assert len(task.primary.measure.name) <= 40


def test_labels_that_two_scores_share_are_told_apart_by_name():
    task = task_of(scores=[score("first", label="F1"), score("second", label="F1")], primary="first")
    assert [one.measure.name for one in task.scores] == ["first", "second"]


def test_score_with_the_name_of_another_column_has_a_header_of_its_own():
    task = task_of(scores=[score("rank", "mean", unit="")], primary="rank")
    assert task.primary.header == "rank (score)"


@pytest.mark.parametrize(
    ("low", "high", "unit", "shown"),
    [(0, 100, "%", "61.2%"), (0, 1, "", "61.235"), (0, 10, "cm", "61.23 cm"), (0, None, "s", "61.2 s")],
)
def test_digits_follow_from_the_range(low, high, unit, shown):
    task = task_of(scores=[score("a", "mean", low=low, high=high, unit=unit)], primary="a")
    assert task.primary.measure.show(61.2346) == shown


def left_out(folder, table, column, change):
    """Change a column of the only trial's file, and return what is then left out of the comparison."""
    (path,) = (folder / table).glob("*.parquet")
    rows = pq.read_table(path)
    place = rows.column_names.index(column)
    pq.write_table(rows.set_column(place, column, change(rows[column])), path)
    studies = open_studies([folder])
    comparison(studies)
    return " ".join(str(exclusion) for study in studies for exclusion in study.exclusions)


@pytest.mark.parametrize(
    ("table", "column", "change", "said"),
    [
        ("predictions", "mean_error", lambda old: pc.add(old, 1.0), "comes to mean_error "),
        (
            "predictions",
            "mean_error",
            lambda old: pa.array([None] * len(old), pa.float64()),
            "lacks mean_error",
        ),
        ("predictions", "mean_error", lambda old: pa.array(["x"] * len(old)), "holds string, where numbers"),
        ("trials", "mean_error", lambda old: pa.array([-1.0]), "holds -1, where 0 to inf (cm) are expected"),
    ],
)
def test_figures_that_can_not_be_the_trials_are_left_out_and_said(tmp_path, table, column, change, said):
    write_task_study(tmp_path, MEASUREMENT, [SimulatedArm("zero_shot")])
    assert said in left_out(tmp_path, table, column, change)


def test_figures_that_agree_are_all_kept(tmp_path):
    for task in (MEASUREMENT, CLASSIFICATION):
        folder = write_task_study(tmp_path / task.entry["name"], task, [SimulatedArm("zero_shot")])
        assert left_out(folder, "trials", "shots", lambda old: old) == ""


def test_jackknife_column_of_another_trial_is_left_out(tmp_path):
    write_task_study(tmp_path, CLASSIFICATION, [SimulatedArm("zero_shot")])
    said = left_out(tmp_path, "predictions", "macro_f1", lambda old: pc.add(old, 2.0))
    assert "comes to macro_f1 " in said
    assert "and its trial's row says" in said


def test_column_has_the_kind_of_its_own_task_in_frames_of_several(tmp_path):
    write_task_study(tmp_path / "labels", CLASSIFICATION, [SimulatedArm("zero_shot")])
    write_task_study(tmp_path / "lengths", MEASUREMENT, [SimulatedArm("zero_shot")])
    frames = analysis.load(tmp_path)
    assert frames.predictions.schema.field("correct").type == pa.bool_()
    assert frames.trials["mean_error"].null_count == 1


def test_share_of_one_task_and_mean_of_another_are_numbers_in_one_frame(tmp_path):
    shares = with_entry(CLASSIFICATION, scores=[score("correct"), *CLASSIFICATION.entry["scores"][1:]])
    means = with_entry(
        MEASUREMENT, scores=[score("mean_error", "mean", column="correct", unit="cm", high=None)]
    )
    write_task_study(tmp_path / "shares", shares, [SimulatedArm("zero_shot")])
    folder = write_task_study(tmp_path / "means", means, [SimulatedArm("zero_shot")])
    (path,) = (folder / "predictions").glob("*.parquet")
    rows = pq.read_table(path)
    pq.write_table(rows.rename_columns({"mean_error": "correct"}), path)
    found = analysis.load(tmp_path).predictions["correct"]
    assert found.type == pa.float64()
    assert found.null_count == 0


WRONG = [None, 5, "text", [], [5], {}, {"name": 5}, True, 1e400]


@pytest.mark.parametrize("place", [*CLASSIFICATION.entry, *CLASSIFICATION.entry["scores"][0]])
def test_entry_of_another_kind_is_said_in_a_line_or_does_without(tmp_path, place):
    folder = write_task_study(tmp_path, CLASSIFICATION, [SimulatedArm()], replicates=2, trials=1)
    path = folder / "study.json"
    description = json.loads(path.read_text())
    for wrong in WRONG:
        entry = json.loads(json.dumps(CLASSIFICATION.entry))
        (entry if place in entry else entry["scores"][0])[place] = wrong
        path.write_text(json.dumps({**description, "task": entry}))
        said = said_of(folder)
        assert said
        assert "\n" not in said


def said_of(folder):
    """Return the verdict on a study, or why it is refused."""
    try:
        return " ".join(say(comparison(open_studies([folder]))))
    except AnalysisError as refused:
        return str(refused)
