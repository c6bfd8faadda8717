"""The predictions as the page holds them."""

import pytest

from analysis.comparison.comparing import comparison
from analysis.page.browsing import browse
from analysis.reading.folders import open_studies
from tests.analysis.page.pages import ARMS, page_of
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study


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


@pytest.mark.parametrize(("confirm_seeds", "named"), [(0, "replicate 1"), (2, "replicate 1, seed 5000")])
def test_browser_names_the_replicate_of_a_trial(tmp_path, confirm_seeds, named):
    write_replicated(tmp_path, ARMS[::2], replicates=2, confirm_seeds=confirm_seeds)
    trained, untrained = browse(comparison(open_studies([tmp_path])).rows).head["arms"]
    assert trained["trials"][0]["repeat"] == named
    assert [trial["repeat"] for trial in untrained["trials"]] == [None]
