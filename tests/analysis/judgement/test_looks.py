"""Looks at a study: taken from its folder, and what its verdict then says."""

import json
import re
from dataclasses import replace

import pytest

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.looks import take_look
from analysis.reading.folders import open_studies
from analysis.statistics.differences import Answers, compare_pair
from analysis.statistics.sequential import LookPlan
from analysis.words.verdict import say
from tests.analysis.simulated_replicates import Protocol, write_replicates
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import MEASUREMENT, write_task_study

ARMS = [
    SimulatedArm(accuracy=0.7, seed_sd=0.02),
    SimulatedArm("qlora", accuracy=0.3, seed_sd=0.02),
    SimulatedArm("floor_echo", accuracy=0.05),
]
LOOKS = {"replicates": [3, 6], "weights": [0.4, 0.6]}
SHORT = LookPlan((3, 6), (0.4, 0.6))


def test_look_is_taken_from_a_folder(tmp_path):
    write_replicates(tmp_path, ARMS, Protocol(6, 2), ran={"lora main": 3, "qlora main": 3}, looks=LOOKS)
    look = take_look(tmp_path, SHORT, 0)
    assert look.settled
    assert list(look.stopped) == ["qlora main"]
    assert look.stopped["qlora main"].startswith("clearly beaten by lora main, by ")
    assert look.sentences[0] == "Look after 3 of 6 replicates: 1 of 1 planned differences are decided."
    assert look.sentences[1].startswith("lora main beats qlora main by ")
    assert "(98%: " in look.sentences[1]
    assert look.sentences[-1] == "Nothing planned is open any more."


def test_look_is_the_same_when_later_replicates_have_run(tmp_path):
    close = [replace(ARMS[0], accuracy=0.32), *ARMS[1:]]
    write_replicates(tmp_path / "early", close, Protocol(6, 2), ran={"lora main": 3, "qlora main": 3})
    write_replicates(tmp_path / "late", close, Protocol(6, 2))
    assert take_look(tmp_path / "early", SHORT, 0) == take_look(tmp_path / "late", SHORT, 0)


def test_verdict_of_a_study_that_looks_settled_says_what_was_saved(tmp_path):
    taken = [{"replicates": 3, "settled": True, "stopped": {"qlora main": "clearly beaten"}}]
    ran = {"lora main": 3, "qlora main": 3}
    write_replicates(tmp_path, ARMS, Protocol(6, 2), ran=ran, looks=LOOKS, looks_taken=taken)
    result = comparison(open_studies([tmp_path]))
    lines = say(result)
    assert "Settled after 3 of 6 replicates: 12 trainings were not run." in lines
    assert any(line.startswith("Over 3 independent searches of 2 trials, lora main beats") for line in lines)
    (verdict,) = judge(result)
    look = take_look(tmp_path, SHORT, 0)
    assert [d.p_holm for d in verdict.planned] == [pytest.approx(compare_pair(*_answers(verdict)).p / 0.4)]
    assert verdict.looks.outcome.settled_at == 0
    assert look.settled


def test_verdict_takes_the_looks_as_the_driver_took_them_where_a_row_without_training_leads(tmp_path):
    late = LookPlan((5, 6), (0.4, 0.6))
    looks = {"replicates": [5, 6], "weights": [0.4, 0.6]}
    arms = [SimulatedArm(accuracy=0.5), SimulatedArm("qlora", accuracy=0.43)]
    floor = SimulatedArm("floor_echo", accuracy=0.9)
    write_replicates(tmp_path, [*arms, floor], Protocol(6, 1), questions=30, looks=looks)
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    assert "a chance below 5% of overtaking lora main" in take_look(tmp_path, late, 0).stopped["qlora main"]
    assert verdict.looks.outcome.stopped["qlora main"].look == 0


def test_arm_with_the_larger_error_is_stopped_in_the_scores_unit(tmp_path):
    arms = [SimulatedArm(accuracy=0.9, seed_sd=0.01), SimulatedArm("qlora", accuracy=0.3, seed_sd=0.01)]
    write_task_study(tmp_path, MEASUREMENT, arms, replicates=6, trials=1)
    look = take_look(tmp_path, SHORT, 0)
    assert list(look.stopped) == ["qlora main"]
    assert re.fullmatch(r"clearly beaten by lora main, by \d\.\d\d cm", look.stopped["qlora main"])
    assert re.match(r"lora main beats qlora main by \d\.\d\d cm \(98%: ", look.sentences[1])


def _answers(verdict):
    return [Answers(row.name, 100 * row.arm.scores.matrices["accuracy"]) for row in verdict.rows]


def test_running_study_before_its_first_look_claims_nothing(tmp_path):
    write_replicates(tmp_path, ARMS, Protocol(6, 2), ran={"lora main": 2, "qlora main": 2}, looks=LOOKS)
    description = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    (tmp_path / "study.json").write_text(json.dumps({**description, "finished_at": None}), encoding="utf-8")
    lines = say(comparison(open_studies([tmp_path])))
    assert "Looks are planned after 3 and 6 replicates: before the first nothing is tested." in lines
    assert not any(" beats " in line for line in lines)


def test_looks_of_an_extended_study_are_not_counted(tmp_path):
    extended = [{"replicates": 8, "arms": ["lora main", "qlora main"], "trials_before": 24}]
    more = {"looks": LOOKS, "looks_taken": [{}, {}], "extensions": extended, "request": {"replicates": 6}}
    write_replicates(tmp_path, ARMS, Protocol(8, 2), **more)
    lines = say(comparison(open_studies([tmp_path])))
    assert any(line.startswith(f"The looks of {tmp_path.name} are not counted") for line in lines)
    assert any(
        "was extended from 6 to 8 replicates after its results could be seen" in line for line in lines
    )
    assert any(line.startswith("Over 8 independent searches") for line in lines)
