"""The page of another task than word problems: labels, groups, and answers, whatever the data call them."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from analysis.comparison.groups import find_groups
from analysis.comparison.labels import MOST_LABELS, confuse
from analysis.judgement.verdicts import judge
from analysis.page.answers import describe_task, shown_columns
from analysis.page.browsing import browse
from analysis.page.labels import labels_section
from analysis.words.verdict import say
from tests.analysis.opened import compare
from tests.analysis.page.pages import HOSTILE, page_of
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import (
    CLASSIFICATION,
    EXTRACTION,
    LABELS,
    MEASUREMENT,
    read_answers,
    with_entry,
    write_answers,
    write_scored_row,
    write_task_study,
)

pytestmark = pytest.mark.usefixtures("without_plots")


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return write_task_study(tmp_path_factory.mktemp("tasks") / "labels", CLASSIFICATION)


def test_confusion_matrix_and_figures_are_those_of_scikit_learn(labels):
    row = compare(labels).rows[0]
    found = confuse(row)
    tables = read_answers(labels, [trial["trial"] for trial in row.arm.confirm])
    columns = [*LABELS, "no label"]
    pairs = [(table.reference, table.answer.fillna("no label")) for table in tables]
    together = sum(confusion_matrix(*pair, labels=columns)[:3] for pair in pairs)
    assert np.array_equal(found.counts, together)
    of_trials = [precision_recall_fscore_support(*pair, labels=LABELS) for pair in pairs]
    precision, recall, f1, support = (np.mean([own[i] for own in of_trials], axis=0) for i in range(4))
    for place, own in enumerate(found.figures):
        assert (own.precision, own.recall, own.f1) == pytest.approx(
            (100 * precision[place], 100 * recall[place], 100 * f1[place])
        )
        assert own.support == support[place]
    assert np.mean([own.f1 for own in found.figures]) == pytest.approx(row.primary.mean)


def answers_of_one_arm(folder, references, answers, **entry):
    """Write a study of one arm, whose answers are replaced, and return its comparison."""
    task = with_entry(CLASSIFICATION, **entry)
    write_task_study(folder, task, [SimulatedArm()], replicates=1, trials=1)
    arm = compare(folder).rows[0].arm
    correct = np.array([one == other for one, other in zip(references, answers, strict=True)])
    scores = {"correct": correct, "macro_f1": np.zeros(len(references)), "text": answers, "answer": answers}
    row = {**arm.confirm[0], "questions": len(references)}
    write_answers(folder, row["trial"], np.array(references, dtype=object), scores, task)
    write_scored_row(folder, row, {"macro_f1": 0.0, "accuracy": 100 * float(correct.mean())}, task)
    return compare(folder)


def test_label_of_the_test_split_alone_has_a_row_of_its_own(tmp_path):
    found = answers_of_one_arm(tmp_path, ["billing", "new", "new"], ["billing", "new", None])
    confusion = confuse(found.rows[0])
    assert confusion.labels == [*LABELS, "new"]
    assert confusion.counts[3] == [0, 0, 0, 1, 1]
    assert [own.f1 for own in confusion.figures] == pytest.approx([100.0, None, None, 200 / 3])


def test_hostile_long_and_empty_labels_are_shown_and_are_no_markup(tmp_path):
    names = [HOSTILE, "long " * 100, "", "\u202ebackwards"]
    answers_of_one_arm(tmp_path, names * 3, [*names, *names[::-1], *[None] * 4], labels=names)
    page = page_of(tmp_path)
    assert HOSTILE not in page
    assert "&lt;/script&gt;" in page
    assert page.count("<script") == page.count("</script>") == 4
    section = page[page.index('<section id="labels">') :]
    assert "<bdi>(empty)</bdi>" in section
    assert "<bdi>\u202ebackwards</bdi>" in section
    assert all(len(text) <= 40 for text in re.findall("<bdi>(long [^<]*)</bdi>", section))


def test_many_labels_stand_together_in_the_matrix(tmp_path):
    names = [f"label {place:03}" for place in range(120)]
    references = names + names[:29]  # the first ones are asked twice
    found = answers_of_one_arm(tmp_path, references, references, labels=names)
    confusion = confuse(found.rows[0])
    assert confusion.labels == [*names[: MOST_LABELS - 1], "91 other labels"]
    assert confusion.counts[-1] == [*[0] * 29, 91, 0]
    assert len(confusion.figures) == 120
    assert "The 91 rarest labels stand together." in labels_section(found)


def test_word_problems_have_no_section_of_labels_or_groups(tmp_path):
    write_study(tmp_path)
    page = page_of(tmp_path)
    assert 'id="labels"' not in page
    assert 'id="groups"' not in page
    assert "group" not in browse(compare(tmp_path).rows).head["questions"]


def test_groups_have_the_mean_of_their_questions(labels):
    found = compare(labels)
    (verdict,) = judge(found)
    tables = read_answers(labels, [trial["trial"] for trial in found.rows[0].arm.confirm])
    means = {
        name: 100 * np.mean([table.correct[table.group == name].mean() for table in tables])
        for name in ("long", "short")
    }
    groups = verdict.groups
    assert [(group.name, group.questions) for group in groups.groups] == [("short", 100), ("long", 50)]
    for group in groups.groups:
        assert group.estimates["lora main"].mean == pytest.approx(means[group.name])
    assert groups.worst("lora main").name == min(means, key=means.get)
    # Macro-F1 has no value in a group that these files could give.
    assert groups.score.name == "accuracy"


def test_worst_group_is_marked_in_the_page_and_said_in_the_verdict(labels):
    (line,) = [line for line in say(compare(labels)) if line.startswith("By group ")]
    assert re.fullmatch(
        r"By group lora main does worst on '(long|short)' \(accuracy [\d.]+%, 95%: [\d.]+ to [\d.]+; \d+ "
        r"questions\), beside [\d.]+% over all\.",
        line,
    )
    section = page_of(labels).partition('<section id="groups">')[2].partition("</section>")[0]
    assert section.count("class=worst") == 2  # one an arm
    assert "accuracy by group, for macro F1 is no mean over questions" in section


def test_small_group_is_never_called_the_worst(tmp_path):
    references = ["billing"] * 24
    answers = ["billing"] * 20 + ["other"] * 4
    found = answers_of_one_arm(tmp_path, references, answers)
    assert find_groups(found.rows).worst("lora main") is None  # groups of 8 and 16: one is large enough


def test_hostile_group_is_one_escaped_line(tmp_path):
    task = replace(CLASSIFICATION, groups=(HOSTILE, "\x1b[2J\n" * 40))
    write_task_study(tmp_path, task, [SimulatedArm()], replicates=2, trials=1)
    (line,) = [line for line in say(compare(tmp_path)) if line.startswith("By group")]
    assert "\x1b" not in line
    assert "\n" not in line
    assert HOSTILE not in page_of(tmp_path)


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        (CLASSIFICATION, [("right", "right"), ("similarity", "simil. %")]),
        (EXTRACTION, [("right", "exact match"), ("rouge1", "field F1")]),
        (MEASUREMENT, [("rouge1", "mean error"), ("similarity", "simil. %")]),
    ],
)
def test_browser_shows_what_the_task_has(tmp_path, task, columns):
    write_task_study(tmp_path, task, [SimulatedArm()], replicates=1, trials=1)
    found = compare(tmp_path)
    assert shown_columns(found.task) == columns
    head = browse(found.rows).head
    assert head["task"] == describe_task(found.task)
    assert head["task"]["comparison"] == task.entry["comparison"]
