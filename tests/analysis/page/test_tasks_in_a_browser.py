"""The page of another task as headless Chromium shows it (skipped where there is no Chromium)."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.report import write_report
from tests.analysis.opened import compare
from tests.analysis.page.browser import CHROMIUM, DRIVER, choose, count, open_page
from tests.analysis.page.pages import HOSTILE
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import (
    CLASSIFICATION,
    EXTRACTION,
    MEASUREMENT,
    with_entry,
    write_answers,
    write_scored_row,
    write_task_study,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed"),
    pytest.mark.usefixtures("without_plots"),
]
ONE = [SimulatedArm()]


def write_outputs(folder, task, references, outputs, scores, figures):
    """Write a study whose only scored trial gave these outputs, each of which could be read."""
    write_task_study(folder, task, ONE, replicates=1, trials=1)
    row = {**compare(folder).rows[0].arm.confirm[0], "questions": len(references)}
    answers = {"text": outputs, "answer": outputs, **scores}
    write_answers(folder, row["trial"], np.array(references, dtype=object), answers, task)
    write_scored_row(folder, row, figures, task)
    return write_report(folder)


def open_first(driver, page):
    open_page(driver, page)
    driver.execute_script("document.querySelector('.grid-row').click()")


def texts(driver, selector):
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
    )


def test_page_of_labels_has_their_colours_and_their_tables(tmp_path, chromium):
    open_first(chromium, write_report(write_task_study(tmp_path, CLASSIFICATION)))
    assert texts(chromium, ".grid-head button")[2:] == ["answer", "right", "simil. %", "nats/token"]
    assert len(texts(chromium, "#labels table.confusion")) == 2
    colours = chromium.execute_script(
        "return [...document.querySelectorAll('.grid-row')].map(row => "
        "[row.children[2].textContent, row.querySelector('.colour').style.background])"
    )
    assert len({colour for _, colour in colours}) == len({label for label, _ in colours}) > 2
    assert {colour for label, colour in colours if label == "no label"} <= {"transparent"}
    assert chromium.get_log("browser") == []


def test_answers_are_filtered_by_group(tmp_path, chromium):
    open_page(chromium, write_report(write_task_study(tmp_path, CLASSIFICATION, ONE, replicates=2)))
    assert count(chromium) == 300
    choose(chromium, "filter-group", "long")
    assert count(chromium) == 100
    choose(chromium, "filter-answer", "no label")
    assert 0 < count(chromium) < 100


def test_fields_of_json_stand_side_by_side(tmp_path, chromium):
    wanted = {"name": "Ada", "jobs": [{"year": 1843}], "age": 36}
    given = {"age": 36, "jobs": [{"year": 1842}], "__proto__": HOSTILE}
    page = write_outputs(
        tmp_path,
        EXTRACTION,
        [json.dumps(wanted)] * 2,
        [json.dumps(given), "no JSON at all"],
        {"valid": [True, False], "exact_match": [False, False], "field_f1": [50.0, 0.0]},
        {"valid": 50.0, "exact_match": 0.0, "field_f1": 25.0},
    )
    open_first(chromium, page)
    rows = chromium.execute_script(
        "return [...document.querySelectorAll('.fields tr')].slice(1)"
        ".map(row => [row.className, ...[...row.cells].map(cell => cell.textContent)])"
    )
    assert sorted(rows) == sorted(
        [
            ["", "age", "36", "36"],
            ["apart", "jobs[0].year", "1843", "1842"],
            ["apart", "name", '"Ada"', "–"],
            ["apart", "__proto__", "–", json.dumps(HOSTILE)],
        ]
    )
    assert texts(chromium, ".side .is-wrong") == ["wrong, field F1 50"]
    chromium.execute_script("document.querySelectorAll('.grid-row')[1].click()")
    assert texts(chromium, ".side .output")[-1] == "no JSON at all"
    assert chromium.execute_script("return document.body.dataset.hacked ?? null") is None


def test_words_that_differ_are_marked(tmp_path, chromium):
    task = with_entry(MEASUREMENT, comparison="text")
    reference, output = "The old cat sat on the mat.", f"The cat sat on a {HOSTILE} mat."
    long = "word " * 50_000
    scores = {"mean_error": [1.0, 2.0]}
    page = write_outputs(tmp_path, task, [reference, long], [output, long[::-1]], scores, {"mean_error": 1.5})
    open_first(chromium, page)
    assert texts(chromium, ".side ins")[0].startswith("a ")
    assert texts(chromium, ".side del")[0].strip() == "old"
    kept = chromium.execute_script(
        "return [...document.querySelector('.side:last-child .output bdi').childNodes]"
        ".filter(e => e.tagName !== 'DEL').map(e => e.textContent).join('')"
    )
    assert kept == output
    assert texts(chromium, ".side .note") == ["mean error 1"]
    chromium.execute_script("document.querySelectorAll('.grid-row')[1].click()")
    assert texts(chromium, ".side ins") == []  # too long to be compared word by word
    assert chromium.execute_script("return document.body.dataset.hacked ?? null") is None
    assert chromium.get_log("browser") == []


def test_hostile_labels_and_groups_are_shown_and_not_obeyed(tmp_path, chromium):
    names = [HOSTILE, "", "\u202ebackwards"]
    task = replace(with_entry(CLASSIFICATION, labels=names), groups=(HOSTILE, "plain"))
    scores = {"correct": [True] * 30, "macro_f1": [100.0] * 30}
    page = write_outputs(
        tmp_path, task, names * 10, names * 10, scores, {"accuracy": 100.0, "macro_f1": 100.0}
    )
    open_first(chromium, page)
    assert HOSTILE in texts(chromium, ".grid-row span")
    assert "(empty)" in texts(chromium, ".grid-row span")
    assert HOSTILE in texts(chromium, "#filter-group option")
    assert chromium.execute_script("return document.body.dataset.hacked ?? null") is None
    assert chromium.execute_script("return document.images.length") == 0
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize(
    "task", [CLASSIFICATION, EXTRACTION, MEASUREMENT], ids=lambda task: task.entry["name"]
)
def test_page_of_a_task_keeps_to_a_phones_width(tmp_path, chromium, task):
    open_page(chromium, write_report(write_task_study(tmp_path, task, replicates=2)), width=390)
    chromium.execute_script("document.querySelector('.grid-row').click()")
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390
    wide = chromium.execute_script(
        "return [...document.querySelectorAll('p, h1, h2, .grid, .side, .scroll, dl, select, input')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().right > 391).map(e => e.outerHTML)"
    )
    assert wide == []
    assert chromium.get_log("browser") == []
