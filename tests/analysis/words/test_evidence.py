"""The verdict's sentences: each form says what it rests on, and says no more."""

import json
import re
from dataclasses import replace

import pytest

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.pictures.figures import cell_text, difference_matrix
from analysis.reading.folders import open_studies
from analysis.words.verdict import say
from tests.analysis.simulated import write_description, write_study
from tests.analysis.simulated_replicates import Protocol, age, write_replicates
from tests.analysis.simulated_trials import SimulatedArm

LORA = [
    SimulatedArm(accuracy=0.6, seed_sd=0.01),
    SimulatedArm(variant="socratic", accuracy=0.6, seed_sd=0.01),
]
QLORA = [
    SimulatedArm("qlora", accuracy=0.4, seed_sd=0.01),
    SimulatedArm("qlora", "socratic", accuracy=0.4, seed_sd=0.01),
]
FOUR = [*LORA, *QLORA]
NUMBERS = r"[\d.]+ points \(95%: -?[\d.]+ to [\d.]+, p (=|<) [\d.]+\)"
LEFT_OUT = "; the interval leaves the search out."


def lines_of(*paths):
    return say(comparison(open_studies(paths)))


def beats(lines):
    return [line for line in lines if " beats " in line and not line.startswith("Exploratory: ")]


def with_configuration(arm, rank, learning_rate):
    return replace(arm, columns={"rank": rank, "learning_rate": learning_rate})


def test_replicates_say_how_many_searches_and_over_what_an_effect_is_averaged(tmp_path):
    write_replicates(tmp_path, FOUR, Protocol(8, 2), questions=300)
    own = beats(lines_of(tmp_path))
    head = "Over 8 independent searches of 2 trials, "
    assert re.fullmatch(f"{head}lora beats qlora by {NUMBERS}, averaged over main and socratic.", own[0])
    assert any(re.fullmatch(f"{head}lora main beats qlora main by {NUMBERS}.", line) for line in own)
    assert len(own) == 3


def test_pairs_that_nobody_asked_for_are_exploratory(tmp_path):
    write_replicates(tmp_path, FOUR, Protocol(8, 2), questions=300)
    crossed = [line for line in lines_of(tmp_path) if "lora main" in line and "qlora socratic" in line]
    assert any(line.startswith("Exploratory: over 8 independent searches") for line in crossed)
    assert not any(
        "qlora socratic" in line and "lora main beats" in line for line in beats(lines_of(tmp_path))
    )


def test_searches_of_one_trial_are_said_in_the_singular(tmp_path):
    write_replicates(tmp_path, [LORA[0], QLORA[0]], Protocol(6, 1), questions=300)
    assert any(line.startswith("Over 6 independent searches of 1 trial, lora") for line in lines_of(tmp_path))


def test_arms_with_other_numbers_of_replicates_are_said_so(tmp_path):
    write_replicates(tmp_path, [LORA[0], QLORA[0]], Protocol(7, 2), questions=300, ran={"qlora main": 5})
    assert any(
        line.startswith("Over 5 to 7 independent searches of 2 trials, ") for line in lines_of(tmp_path)
    )


def test_replicates_without_a_search_are_trainings(tmp_path):
    plan = {"replicates": 6, "confirm_seeds": 0, "ranges": {}}
    write_replicates(tmp_path, [LORA[0], QLORA[0]], Protocol(6, 1), questions=300)
    write_description(tmp_path, [LORA[0], QLORA[0]], (), 1, arm_plan=plan)
    assert any(
        line.startswith("Over 6 independent trainings, lora main beats") for line in lines_of(tmp_path)
    )


@pytest.mark.parametrize("old", [False, True])
def test_one_search_names_the_two_configurations_and_leaves_the_search_out(tmp_path, old):
    better, worse = with_configuration(LORA[0], 32, 0.0031), with_configuration(QLORA[0], 8, 0.006)
    write_study(tmp_path, [better, worse], seeds=(1, 2, 3), search_trials=2, questions=300)
    if old:
        age(tmp_path)
    lines = lines_of(tmp_path)
    (said,) = beats(lines)
    head = "With the configurations that these searches found (rank 32, learning rate 0.0031 against rank 8, "
    assert said.startswith(f"{head}learning rate 0.006), lora main beats qlora main by ")
    assert said.endswith(LEFT_OUT)
    assert lines[0].endswith("is the best of 2 arms, as these searches found them.")


def test_main_effect_of_one_search_leaves_the_search_out_too(tmp_path):
    write_study(tmp_path, FOUR, seeds=(1, 2, 3), search_trials=2, questions=300)
    effect = next(line for line in beats(lines_of(tmp_path)) if "averaged over" in line)
    assert effect.startswith("With the configurations that these searches found, lora beats qlora by ")
    assert effect.endswith(f"averaged over main and socratic{LEFT_OUT}")


def test_every_claim_of_one_search_says_so(tmp_path):
    write_study(tmp_path, [*FOUR, SimulatedArm("floor_echo", accuracy=0.05)], search_trials=2, questions=300)
    lines = lines_of(tmp_path)
    assert all("these searches found" in line for line in lines if "beat" in line or "best" in line)


def test_seeds_of_a_configuration_that_was_not_searched_are_trainings(tmp_path):
    arms = [LORA[0], QLORA[0]]
    write_study(tmp_path, arms, seeds=(1, 2, 3), questions=300)
    write_description(tmp_path, arms, (1, 2, 3), 1, arm_plan={"ranges": {}})
    (said,) = beats(lines_of(tmp_path))
    assert said.startswith("Over 3 trainings of each configuration, lora main beats qlora main by ")


def test_two_replicates_are_too_few(tmp_path):
    write_replicates(tmp_path, FOUR, Protocol(2, 2), questions=200)
    expected = "Two searches an arm are too few to know how searches differ: 5 are the least to rely on."
    assert expected in lines_of(tmp_path)


def test_one_replicate_is_one_search_and_one_model_and_has_no_interval(tmp_path):
    write_replicates(tmp_path, FOUR, Protocol(1, 2), questions=200)
    lines = lines_of(tmp_path)
    assert lines[0].endswith(
        "comes first, but one search and one model an arm, so no interval, can't say whether that is luck."
    )
    assert beats(lines) == []
    assert "95%" not in " ".join(lines)


def test_pooled_studies_are_searches_that_were_repeated(tmp_path):
    for seed, name in enumerate(("one", "two")):
        write_replicates(tmp_path / name, FOUR, Protocol(3, 2), questions=300, seed=seed)
    own = beats(lines_of(tmp_path))
    assert own[0].startswith("Over 6 independent searches of 2 trials, lora beats qlora by ")


def test_two_old_studies_are_two_searches(tmp_path):
    arms = [LORA[0], QLORA[0]]
    for seed, name in enumerate(("one", "two")):
        write_study(tmp_path / name, arms, seeds=(10 * seed + 1, 10 * seed + 2), search_trials=2, seed=seed)
        write_description(tmp_path / name, arms, (1, 2), 2, seed=seed)
        age(tmp_path / name)
    lines = lines_of(tmp_path)
    assert any("ver 2 independent searches of 2 trials, lora main" in line for line in lines)
    assert any(line.startswith("Two searches an arm are too few") for line in lines)


def test_where_nothing_is_clear_it_is_said_what_was_asked(tmp_path):
    equal = [replace(arm, accuracy=0.5) for arm in FOUR]
    write_replicates(tmp_path, equal, Protocol(5, 2), questions=200)
    lines = lines_of(tmp_path)
    (said,) = [line for line in lines if line.startswith("Asked: ")]
    assert "None of the 6 could be told apart; the largest: over 5 independent searches" in said
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    largest = max(verdict.planned, key=lambda d: d.estimate.mean)
    assert f"({largest.estimate.mean:+.1f} points; 95%: " in said
    assert beats(lines) == []


def test_single_question_that_is_not_clear_is_said_with_its_interval(tmp_path):
    write_replicates(tmp_path, [replace(arm, accuracy=0.5) for arm in (LORA[0], QLORA[0])], Protocol(5, 2))
    (said,) = [line for line in lines_of(tmp_path) if line.startswith("Asked: ")]
    assert re.search(r"Asked: .* against .*\. Over 5 .* can't be told apart from .* points; 95%: ", said)


def test_arms_without_a_planned_difference_are_all_compared(tmp_path):
    apart = [SimulatedArm(accuracy=0.6), SimulatedArm("qlora", "socratic"), SimulatedArm("full", "third")]
    write_replicates(tmp_path, apart, Protocol(5, 2), questions=200)
    lines = lines_of(tmp_path)
    assert "No two arms differ in one compared factor alone: all pairs were tested together." in lines
    assert not any(line.startswith("Exploratory") for line in lines)


@pytest.mark.parametrize("said_before", [True, False])
def test_extension_is_said_and_what_it_weakens(tmp_path, said_before):
    entry = {"replicates": 6, "arms": [arm.name for arm in FOUR], "trials_before": 48}
    if said_before:
        entry["replicates_before"] = 4
    request = {"replicates": 4}
    write_replicates(tmp_path, FOUR, Protocol(6, 2), extensions=[entry], request=request)
    (said,) = [line for line in lines_of(tmp_path) if "was extended" in line]
    expected = f"{tmp_path.name} was extended from 4 to 6 replicates after its results could be seen. "
    assert said.startswith(f"{expected}Its p-values are weaker for it")


def test_extension_of_one_search_is_one_of_its_seeds(tmp_path):
    write_study(tmp_path, FOUR, seeds=(1, 2, 3, 4, 5), search_trials=2)
    extension = {"confirm_seeds": 5, "confirm_seeds_before": 3, "arms": []}
    write_description(tmp_path, FOUR, (1, 2, 3, 4, 5), 2, extensions=[extension])
    assert any("was extended from 3 to 5 seeds after" in line for line in lines_of(tmp_path))


def test_matrix_says_which_pairs_are_exploratory(tmp_path):
    write_replicates(tmp_path, FOUR, Protocol(5, 2), questions=200)
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    matrix = difference_matrix(verdict)
    said = {
        (matrix.arms[i], matrix.arms[j]): cell_text(cell)
        for i, row in enumerate(matrix.cells)
        for j, cell in enumerate(row)
        if cell is not None
    }
    assert said["lora main", "qlora main"].startswith("lora main beats qlora main by ")
    assert said["lora main", "qlora socratic"].startswith("exploratory: lora main beats qlora socratic by ")


@pytest.mark.usefixtures("without_plots")
def test_ranks_of_the_report_are_intervals(tmp_path):
    from analysis.report import write_report

    write_replicates(tmp_path, FOUR, Protocol(5, 2), questions=200)
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert ">1-2</td>" in page
    assert ">3-4</td>" in page
    # The table of differences has the main effects too.
    assert ">lora - qlora</td>" in page


def test_old_study_plans_the_contrasts_of_the_factors_that_vary(tmp_path):
    write_study(tmp_path, FOUR, seeds=(1, 2, 3), search_trials=2)
    new = judge(comparison(open_studies([tmp_path])))
    age(tmp_path)
    assert "compared" not in json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    old = judge(comparison(open_studies([tmp_path])))
    names = [[(d.better, d.worse, d.p_holm) for d in verdict.planned] for (verdict,) in (new, old)]
    assert names[0] == names[1]
    assert len(names[0]) == 6
