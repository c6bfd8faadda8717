"""The page as text: what stands on it, and that nothing of a study is markup there."""

import re
from dataclasses import replace

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.reading.folders import open_studies
from tests.analysis.page.pages import ARMS, HOSTILE, page_of
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row


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


def test_main_effects_stand_among_the_pairs(tmp_path):
    arms = [SimulatedArm(method, variant) for method in ("lora", "qlora") for variant in ("main", "socratic")]
    write_replicated(tmp_path, arms)
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    page = page_of(tmp_path)
    assert len(verdict.effects) == 2
    assert all(f">{effect.better} - {effect.worse}</td>" in page for effect in verdict.effects)


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


# What follows needs a browser.
