"""The page as headless Chromium shows it (skipped where there is no Chromium)."""

import re
from dataclasses import replace

import pytest

from analysis.report import write_report
from tests.analysis.page.browser import CHROMIUM, DRIVER, choose, column, count, open_page
from tests.analysis.page.pages import ARMS, HOSTILE
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_predictions, write_row

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed"),
]


def test_page_renders_without_an_error_in_the_console(tmp_path, chromium):
    write_study(tmp_path, ARMS, search_trials=3)
    open_page(chromium, write_report(tmp_path))
    assert chromium.execute_script("return document.querySelectorAll('.plots svg').length") >= 7
    assert chromium.get_log("browser") == []


def test_table_sorts_by_unrounded_values(tmp_path, chromium):
    write_study(tmp_path, ARMS)
    open_page(chromium, write_report(tmp_path))
    button = "document.querySelectorAll('#table thead button')[3]"
    chromium.execute_script(f"{button}.click()")
    assert column(chromium, 0) == ["lora main", "qlora <b>main</b>", "zero_shot main"]
    chromium.execute_script(f"{button}.click()")
    assert column(chromium, 0) == ["zero_shot main", "qlora <b>main</b>", "lora main"]


def test_predictions_are_filtered_by_arm_answer_and_text(tmp_path, chromium):
    write_study(tmp_path, ARMS, questions=50)
    open_page(chromium, write_report(tmp_path))
    assert count(chromium) == 350
    choose(chromium, "filter-arm", "lora main")
    assert count(chromium) == 150
    choose(chromium, "filter-answer", "right")
    right = count(chromium)
    choose(chromium, "filter-answer", "wrong")
    assert right + count(chromium) == 150
    choose(chromium, "filter-answer", "any")
    chromium.execute_script("byId('filter-text').value = 'box 7?'")
    choose(chromium, "filter-repeat", "seed 2")
    assert count(chromium) == 1


def test_two_arms_stand_side_by_side_on_one_question(tmp_path, chromium):
    write_study(tmp_path, ARMS, questions=50)
    open_page(chromium, write_report(tmp_path))
    choose(chromium, "filter-arm", "lora main")
    choose(chromium, "filter-repeat", "seed 1")
    choose(chromium, "filter-beside", "qlora <b>main</b>")
    choose(chromium, "filter-disagree", "only the first is right")
    assert count(chromium) > 10
    chromium.execute_script("document.querySelector('.grid-row').click()")
    heads = chromium.execute_script(
        "return [...document.querySelectorAll('.side h3')].map(h => h.textContent)"
    )
    assert heads == ["Reference", "lora main, seed 1", "qlora <b>main</b>, seed 1"]
    sides = chromium.execute_script("return [...document.querySelectorAll('.side')].map(s => s.textContent)")
    assert "right, strict too" in sides[1]
    assert "wrong, the number occurs" in sides[2]


def test_predictions_are_sorted_by_a_click(tmp_path, chromium):
    write_study(tmp_path, ARMS, questions=50)
    open_page(chromium, write_report(tmp_path))
    chromium.execute_script("document.querySelector('[data-sort=rouge1]').click()")
    shown = chromium.execute_script(
        "return [...document.querySelectorAll('.grid-row')].map(r => Number(r.children[4].textContent))"
    )
    assert len(shown) > 5
    assert shown == sorted(shown)


def test_pointing_at_a_mark_shows_its_numbers(tmp_path, chromium):
    write_study(tmp_path, ARMS)
    open_page(chromium, write_report(tmp_path))
    chromium.execute_script(
        "const mark = document.getElementById('accuracy-by-method--0-0');"
        "mark.scrollIntoView({block: 'center'}); const box = mark.getBoundingClientRect();"
        "mark.closest('svg').dispatchEvent(new PointerEvent('pointermove', {bubbles: true,"
        "clientX: box.left + box.width / 2, clientY: box.top + box.height / 2}))"
    )
    tip = chromium.execute_script("const tip = byId('tip'); return tip.hidden ? null : tip.textContent")
    assert re.fullmatch(r"lora main: accuracy \d+\.\d \(\d+\.\d–\d+\.\d\)%", tip)


def test_page_keeps_to_a_phones_width(tmp_path, chromium):
    write_study(tmp_path, ARMS, search_trials=3)
    open_page(chromium, write_report(tmp_path), width=390)
    chromium.execute_script("document.querySelector('.grid-row').click()")
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390
    wide = chromium.execute_script(
        "return [...document.querySelectorAll('p, h1, h2, figure, .grid, .side, dl, select, input')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().right > 391).map(e => e.outerHTML)"
    )
    assert wide == []


def test_hostile_output_is_shown_and_not_obeyed(tmp_path, chromium):
    arm = replace(SimulatedArm(), label=HOSTILE)
    write_study(tmp_path, [arm, SimulatedArm("full")], questions=5, seeds=(1,))
    # The id of the trial that is there already: its predictions are replaced.
    row = trial_row(arm, 1, profile="embedded", replicate=0)
    texts = {name: [HOSTILE] * 2 for name in ("question", "reference", "text", "number", "reference_number")}
    write_predictions(tmp_path, row["trial"], {"question_id": ["a", "b"], "correct": [True, False], **texts})
    write_row(tmp_path, {**row, "questions": 2})
    open_page(chromium, write_report(tmp_path))
    choose(chromium, "filter-arm", HOSTILE)
    assert count(chromium) == 2
    chromium.execute_script("document.querySelector('.grid-row').click()")
    assert chromium.execute_script("return byId('detail-question').textContent") == HOSTILE
    # Each text that a model or the data wrote stands alone: it turns the direction of no other (U+202E).
    outputs = chromium.execute_script(
        "return [...document.querySelectorAll('.output')].map(e => e.innerHTML)"
    )
    assert len(outputs) == 3
    assert all(output.startswith("<bdi>") and output.endswith("</bdi>") for output in outputs)
    assert chromium.execute_script("return document.body.dataset.hacked ?? null") is None
    assert chromium.execute_script("return document.images.length") == 0
    assert chromium.get_log("browser") == []


@pytest.mark.slow
def test_200_000_predictions_do_not_freeze_the_page(tmp_path, chromium):
    arms = [SimulatedArm(variant=f"variant {index}", accuracy=0.3 + 0.01 * index) for index in range(20)]
    write_study(tmp_path, arms, questions=2_000, seeds=(1, 2, 3, 4, 5), text_length=250)
    open_page(chromium, write_report(tmp_path))
    assert count(chromium) == 200_000
    assert chromium.execute_script("return document.querySelectorAll('.grid-row').length") < 60
    script = "const start = performance.now(); refresh(); return performance.now() - start"
    chromium.execute_script("byId('filter-text').value = 'box 77'")
    assert chromium.execute_script(script) < 2_000
    chromium.execute_script("document.querySelector('[data-sort=loss]').click()")
    assert chromium.execute_script(script) < 2_000
