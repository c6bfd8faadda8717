"""The report: its page as text, and as headless Chromium shows it (skipped where there is no Chromium)."""

import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.page.browsing import browse
from analysis.page.frame import render_page
from analysis.reading.folders import open_studies
from analysis.report import write_report
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import SimulatedArm, trial_row, write_predictions, write_row, write_study

ARMS = (
    SimulatedArm(accuracy=0.6),
    SimulatedArm("qlora", accuracy=0.2, label="qlora <b>main</b>"),
    SimulatedArm("zero_shot", accuracy=0.02),
)
HOSTILE = "</script><script>document.body.dataset.hacked='1'</script><img src=x onerror=\"alert(1)\">"


def page_of(path, most=200_000):
    studies = open_studies([path])
    return render_page(studies, comparison(studies), most)


def test_page_opens_with_the_question_the_verdict_and_the_table(tmp_path):
    write_study(tmp_path, ARMS, search_trials=2)
    page = page_of(tmp_path)
    places = [
        page.index(text) for text in ("<h1>Which arm is right", "lora main (accuracy", "<td data-value")
    ]
    assert places == sorted(places)
    assert "python -m study.run --space simulated" in page


def test_page_needs_no_network(tmp_path):
    write_study(tmp_path, ARMS)
    page = page_of(tmp_path)
    # Namespaces of SVG are names, not addresses that a browser opens.
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert all(address.startswith(("http://www.w3.org/", "http://purl.org/", "http://creativecommons.org/"))
               for address in addresses)  # fmt: skip
    assert not re.search(r"<(?:link|img|iframe)\b|\bsrc=|@import|url\((?!#)", page)


def test_what_a_study_says_is_escaped(tmp_path):
    write_study(tmp_path, [replace(SimulatedArm(), label=HOSTILE), SimulatedArm("full")])
    page = page_of(tmp_path)
    assert HOSTILE not in page
    assert "&lt;/script&gt;" in page
    # The frame's own scripts: hover texts, the head and a block of predictions, the page's code.
    assert page.count("<script") == page.count("</script>") == 4


def test_part_that_looks_like_a_place_of_the_frame_is_left_alone(tmp_path):
    write_study(tmp_path, [replace(SimulatedArm(), label="@@css@@"), SimulatedArm("full")])
    assert "@@css@@" in page_of(tmp_path)


def test_browser_holds_whole_trials_first_seeds_first(tmp_path):
    write_study(tmp_path, ARMS[:2], questions=50)
    browser = browse(comparison(open_studies([tmp_path])).rows, most=120)
    assert (browser.held, browser.total) == (100, 300)
    assert [[trial["repeat"] for trial in arm["trials"]] for arm in browser.head["arms"]] == [["seed 1"]] * 2
    assert "100 predictions of the confirm trials of 300" in page_of(tmp_path, most=120)


def test_question_is_stored_once_for_all_trials(tmp_path):
    write_study(tmp_path, ARMS, questions=50)
    browser = browse(comparison(open_studies([tmp_path])).rows)
    assert len(browser.head["questions"]["text"]) == 50
    assert browser.held == 50 * 7


def test_main_effects_stand_among_the_pairs(tmp_path):
    arms = [SimulatedArm(method, variant) for method in ("lora", "qlora") for variant in ("main", "socratic")]
    write_replicated(tmp_path, arms)
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    page = page_of(tmp_path)
    assert len(verdict.effects) == 2
    assert all(f">{effect.better} - {effect.worse}</td>" in page for effect in verdict.effects)


@pytest.mark.parametrize(("confirm_seeds", "named"), [(0, "replicate 1"), (2, "replicate 1, seed 5000")])
def test_browser_names_the_replicate_of_a_trial(tmp_path, confirm_seeds, named):
    write_replicated(tmp_path, ARMS[::2], replicates=2, confirm_seeds=confirm_seeds)
    trained, untrained = browse(comparison(open_studies([tmp_path])).rows).head["arms"]
    assert trained["trials"][0]["repeat"] == named
    assert [trial["repeat"] for trial in untrained["trials"]] == [None]


def test_report_of_a_study_without_predictions_is_written(tmp_path):
    write_study(tmp_path, [SimulatedArm()])
    for path in (tmp_path / "predictions").glob("*"):
        path.unlink()
    page = page_of(tmp_path)
    assert "No predictions can be read." in page
    assert "No trained arm has scores yet" in page


def test_failed_trials_are_listed_with_their_reason(tmp_path):
    write_study(tmp_path, ARMS)
    write_row(tmp_path, trial_row(SimulatedArm(), 7, status="failed", reason="the disk <is> full"))
    assert "confirm, failed: the disk &lt;is&gt; full" in page_of(tmp_path)


def test_report_is_written_into_the_results_folder(tmp_path):
    write_study(tmp_path, ARMS)
    assert write_report(tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_command_writes_the_file_or_says_in_one_line_why_not(tmp_path):
    write_study(tmp_path / "one", ARMS)
    command = [sys.executable, "-m", "analysis.report", str(tmp_path / "one"), "-o"]
    done = subprocess.run(
        [*command, str(tmp_path / "r.html")], capture_output=True, text=True, timeout=120, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    wrong = subprocess.run(
        [*command, str(tmp_path / "no" / "r.html")],
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1


# What follows needs a browser.

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed"
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def wait_until(driver, script, seconds=60):
    end = time.monotonic() + seconds
    while not driver.execute_script(f"return {script}"):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.05)


def open_page(driver, path, width=1200):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(path.as_uri())
    wait_until(driver, "document.body.dataset.ready === 'true'")


def choose(driver, name, text):
    """Choose an option of a filter by what it shows, and wait until the list has followed."""
    driver.execute_script(
        "const s = document.getElementById(arguments[0]);"
        "s.value = [...s.options].find(o => o.textContent === arguments[1]).value;"
        "s.dispatchEvent(new Event('input', {bubbles: true}))",
        name,
        text,
    )
    time.sleep(0.4)


def count(driver):
    return int(driver.execute_script("return byId('browser-count').textContent").split()[0].replace(",", ""))


def column(driver, place):
    script = (
        "return [...document.querySelectorAll('#table tbody tr')].map(r => r.cells[arguments[0]].textContent)"
    )
    return driver.execute_script(script, place)


@needs_chromium
def test_page_renders_without_an_error_in_the_console(tmp_path, chromium):
    write_study(tmp_path, ARMS, search_trials=3)
    open_page(chromium, write_report(tmp_path))
    assert chromium.execute_script("return document.querySelectorAll('.plots svg').length") >= 7
    assert chromium.get_log("browser") == []


@needs_chromium
def test_table_sorts_by_unrounded_values(tmp_path, chromium):
    write_study(tmp_path, ARMS)
    open_page(chromium, write_report(tmp_path))
    button = "document.querySelectorAll('#table thead button')[3]"
    chromium.execute_script(f"{button}.click()")
    assert column(chromium, 0) == ["lora main", "qlora <b>main</b>", "zero_shot main"]
    chromium.execute_script(f"{button}.click()")
    assert column(chromium, 0) == ["zero_shot main", "qlora <b>main</b>", "lora main"]


@needs_chromium
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


@needs_chromium
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


@needs_chromium
def test_predictions_are_sorted_by_a_click(tmp_path, chromium):
    write_study(tmp_path, ARMS, questions=50)
    open_page(chromium, write_report(tmp_path))
    chromium.execute_script("document.querySelector('[data-sort=rouge1]').click()")
    shown = chromium.execute_script(
        "return [...document.querySelectorAll('.grid-row')].map(r => Number(r.children[4].textContent))"
    )
    assert len(shown) > 5
    assert shown == sorted(shown)


@needs_chromium
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


@needs_chromium
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


@needs_chromium
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


@needs_chromium
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
