"""What to use: the recipe, what equals it, its hyperparameters, the kept model, the commands; or why not."""

import re
import shlex
from dataclasses import replace

import pytest

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.reading.folders import open_studies
from analysis.report import write_report
from analysis.searching.choices import find_choices, kept_choice
from analysis.words.recommendation import recommend
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study
from tests.analysis.simulated_replicates import age
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

GOOD = SimulatedArm(accuracy=0.7, train_seconds=300, seed_sd=0.01)
SAME = SimulatedArm("qlora", accuracy=0.7, train_seconds=100, seed_sd=0.01, columns={"model_bytes": 900_000})
POOR = SimulatedArm("full", accuracy=0.1, seed_sd=0.01)
FLOOR = SimulatedArm("floor_echo", accuracy=0.02)


def recommended(path):
    result = comparison(open_studies([path]))
    return recommend(result, judge(result))


def test_best_arm_is_recommended_first_with_its_interval(tmp_path):
    write_replicated(tmp_path, [POOR, GOOD, FLOOR])
    first = recommended(tmp_path).lines[0]
    assert re.fullmatch(r"Use: lora main \(accuracy \d+\.\d%, 95%: \d+\.\d to \d+\.\d\)\.", first)


def test_what_equals_it_is_said_and_which_of_them_is_cheapest(tmp_path):
    write_replicated(tmp_path, [GOOD, SAME, POOR, FLOOR])
    lines = recommended(tmp_path).lines
    first, second = (re.match(r"[^:]*: ([a-z ]+)[.(]", line)[1].strip() for line in lines[:2])
    assert {first, second} == {"lora main", "qlora main"}
    assert "qlora main trains fastest (1.67 min) and qlora main ships least (900 kB)" in lines[1]
    assert "full main" not in lines[1]


def test_an_arm_behind_by_a_main_effect_is_no_alternative(tmp_path):
    """Pair by pair nothing may be clear, and the average over the other factor is all the same."""
    other = replace(GOOD, variant="socratic"), replace(SAME, variant="socratic")
    write_replicated(tmp_path, [GOOD, SAME, *other, FLOOR])
    result = comparison(open_studies([tmp_path]))
    (verdict,) = judge(result)
    best = verdict.rows[0].name
    (effect,) = [e for e in verdict.effects if {e.better, e.worse} == {"main", "socratic"}]
    sign = 1 if effect.arms[best] > 0 else -1
    names = (effect.better, effect.worse) if sign > 0 else (effect.worse, effect.better)
    weights = {name: sign * weight for name, weight in effect.arms.items()}
    clear = replace(effect, better=names[0], worse=names[1], arms=weights, p_holm=0.01)
    lines = recommend(result, [replace(verdict, effects=[clear])]).lines
    equal = next(line for line in lines if line.startswith("Can't be told apart from it: "))
    assert names[1] not in equal.partition("Of these")[0]
    assert (
        f"Averaged over lora and qlora, {names[0]} beats {names[1]}: arms with {names[1]} are no " in lines[2]
    )


def test_training_times_that_can_not_be_compared_name_no_cheapest(tmp_path):
    other = replace(SAME, columns={**SAME.columns, "source_slots": 8})
    write_replicated(tmp_path, [GOOD, other, FLOOR])
    line = recommended(tmp_path).lines[1]
    assert "trains fastest" not in line
    assert "ships least" in line


def test_hyperparameters_and_the_kept_model_are_said(tmp_path):
    write_replicated(tmp_path, [GOOD, POOR, FLOOR])
    lines = recommended(tmp_path).lines
    (arm,) = [row.arm for row in comparison(open_studies([tmp_path])).rows if row.name == "lora main"]
    kept = kept_choice(find_choices(arm))
    assert any(
        line.startswith("Hyperparameters of lora main, as 5 searches chose them: rank ") for line in lines
    )
    (said,) = [line for line in lines if "models/lora-main" in line]
    assert f"rank {kept.hyperparameters['rank']}" in said
    assert f"replicate {kept.replicate}, validation {kept.validation:.1f}%" in said
    assert f"Its own test score ({kept.tests[0]:.1f}%) supports no claim about the recipe" in said
    assert said.endswith("among 10 models.")


def test_one_search_is_said_to_measure_a_configuration(tmp_path):
    write_replicated(tmp_path, [GOOD, POOR, FLOOR], replicates=1, confirm_seeds=3)
    lines = recommended(tmp_path).lines
    assert any("It was searched once: what is measured is this configuration" in line for line in lines)
    assert not any("replicate" in line for line in lines)
    (said,) = [line for line in lines if "models/lora-main" in line]
    assert "is a new training of the configuration that did best on validation (validation 73.0%)" in said


def test_commands_repeat_with_another_seed_export_and_ask(tmp_path):
    folder = tmp_path / "my results"
    arguments = ["--space", "./my space.py", "--seed", "4", "--trials", "2"]
    write_replicated(folder, [GOOD, POOR, FLOOR], description={"arguments": arguments, "seed": 4})
    repeat, export, ask = map(shlex.split, recommended(folder).commands.values())
    assert repeat[1:] == ["-m", "study.run", "--space", "./my space.py", "--trials", "2", "--seed", "5"]
    assert export[1:] == ["-m", "study.export", str(folder), "--arm", "lora main", "--to", "my-model"]
    assert ask[1:4] == ["-m", "study.ask", str(folder / "models" / "lora-main")]
    assert len(ask) == 5


def test_arguments_of_a_repeat_are_the_plans_where_none_are_on_record(tmp_path):
    write_replicated(tmp_path, [GOOD, POOR], description={"arguments": ["--resume", "x"], "seed": 0})
    repeat = recommended(tmp_path).commands["Repeat the study with another seed"]
    assert repeat == "python -m study.run --space simulated --profile embedded --seed 1"


def test_seed_given_in_one_word_is_replaced(tmp_path):
    write_replicated(tmp_path, [GOOD, POOR], description={"arguments": ["--seed=7", "--space=x"], "seed": 7})
    repeat = recommended(tmp_path).commands["Repeat the study with another seed"]
    assert repeat == "python -m study.run --space=x --seed 8"


def test_one_arm_is_recommended_over_nothing(tmp_path):
    write_replicated(tmp_path, [GOOD, FLOOR])
    lines = recommended(tmp_path).lines
    assert lines[0].startswith("Nothing can be recommended over another recipe: lora main (accuracy ")
    assert any("models/lora-main" in line for line in lines)


def test_arms_that_beat_no_floor_are_not_recommended(tmp_path):
    write_replicated(
        tmp_path, [replace(GOOD, accuracy=0.05), replace(POOR, accuracy=0.05), replace(FLOOR, accuracy=0.3)]
    )
    first = recommended(tmp_path).lines[0]
    assert first == (
        "Nothing can be recommended: no arm is shown to beat the best row without training (floor_echo main)."
    )


def test_study_without_scores_recommends_nothing(tmp_path):
    write_study(tmp_path, [])
    write_row(tmp_path, trial_row(POOR, status="failed", reason="no"))
    found = recommended(tmp_path)
    assert found.lines == ["Nothing can be recommended: no trained arm has scores yet."]
    assert found.commands == {}


def test_single_runs_recommend_nothing(tmp_path):
    write_study(tmp_path, [GOOD, POOR], seeds=(1,))
    assert recommended(tmp_path).lines[0].startswith("Nothing can be recommended yet: every arm was run once")


def test_old_study_is_recommended_as_one_search(tmp_path):
    write_study(tmp_path, [GOOD, POOR], questions=100, search_trials=4)
    lines = recommended(age(tmp_path)).lines
    assert lines[0].startswith("Use: lora main (accuracy ")
    assert "Hyperparameters of lora main: rank 8; learning rate 0.005. It was searched once: " in lines[1]


def test_nothing_is_recommended_before_the_first_look(tmp_path):
    looks = {"looks": {"replicates": [3, 5], "weights": [0.4, 0.6]}, "finished_at": None}
    write_replicated(tmp_path, [GOOD, POOR, FLOOR], description=looks)
    first = recommended(tmp_path).lines[0]
    assert first == "Nothing can be recommended yet: before the first look that is planned nothing is tested."


def test_pooled_studies_recommend_the_best_of_their_kept_models_and_a_seed_of_neither(tmp_path):
    for name, seed in (("first", 3), ("second", 7)):
        write_replicated(tmp_path / name, [GOOD, POOR, FLOOR], description={"seed": seed})
    found = recommended(tmp_path)
    assert any("as 10 searches chose them" in line for line in found.lines)
    assert any("replicate first 3, validation" in line for line in found.lines)
    assert str(tmp_path / "first" / "models") in found.commands["Ask it"]
    assert found.commands["Repeat the study with another seed"].endswith("--seed 8")


def test_each_set_of_questions_has_a_recommendation_of_its_own(tmp_path):
    write_study(tmp_path / "apples", [GOOD, POOR], questions=100)
    write_study(tmp_path / "pears", [GOOD, POOR], questions=100, topic="pears")
    found = recommended(tmp_path)
    assert found.lines[0].startswith("Questions of apples: Use: apples: lora main")
    assert any(line.startswith("Questions of pears: Use: pears: lora main") for line in found.lines)
    assert len(found.commands) == 6


@pytest.mark.usefixtures("without_plots")
def test_report_opens_with_the_recommendation(tmp_path):
    write_replicated(tmp_path, [GOOD, POOR, FLOOR])
    page = write_report(tmp_path).read_text(encoding="utf-8")
    places = [
        page.index(text)
        for text in ("<h1>", "Use: lora main", "study.export", "<h2>Verdict", "<h2>Every arm")
    ]
    assert places == sorted(places)
