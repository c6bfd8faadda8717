"""What is said where an arm does not beat prompting alone, or what is no language model."""

from analysis.judgement.verdicts import judge
from analysis.words.recommendation import recommend
from analysis.words.verdict import say
from tests.analysis.opened import compare
from tests.analysis.simulated_trials import SimulatedArm
from tests.analysis.task_studies import CLASSIFICATION, write_task_study


def rivalled(tmp_path, **skills):
    arms = [SimulatedArm(method, accuracy=skill, seed_sd=0.02) for method, skill in skills.items()]
    return say(compare(write_task_study(tmp_path, CLASSIFICATION, arms)))


def test_all_arms_beat_the_best_row_without_fine_tuning(tmp_path):
    said = rivalled(tmp_path, lora=0.9, qlora=0.85, few_shot=0.2, rival_tfidf=0.3)
    assert "All arms beat the best row without fine-tuning (rival_tfidf main)." in said
    assert not [line for line in said if "needed" in line or "Not shown" in line]


def test_rival_that_nothing_beats_is_said_plainly(tmp_path):
    said = rivalled(tmp_path, lora=0.5, qlora=0.4, few_shot=0.2, rival_tfidf=0.9)
    assert (
        "Not shown to beat the best row without fine-tuning (rival_tfidf main): lora main and qlora main."
        in said
    )
    (line,) = [
        line for line in said if line.startswith("No language model is needed: rival_tfidf main (macro")
    ]
    assert line.endswith("is beaten by no arm.")


def test_few_shot_prompting_that_nothing_beats_is_said_beside_a_better_rival(tmp_path):
    said = rivalled(tmp_path, lora=0.5, few_shot=0.6, rival_tfidf=0.9)
    assert any(line.startswith("No language model is needed: rival_tfidf main") for line in said)
    assert any(line.startswith("No fine-tuning is needed: prompting alone, few_shot main") for line in said)


def test_nothing_is_recommended_where_the_rival_is_not_beaten(tmp_path):
    arms = [
        SimulatedArm(accuracy=0.4),
        SimulatedArm("qlora", accuracy=0.4),
        SimulatedArm("rival_tfidf", accuracy=0.9),
    ]
    found = compare(write_task_study(tmp_path, CLASSIFICATION, arms))
    first = recommend(found, judge(found)).lines[0]
    assert first.startswith(
        "Nothing can be recommended: no arm is shown to beat the best row without fine-tuning "
        "(rival_tfidf main). No language model is needed: rival_tfidf main (macro F1 "
    )


def test_rival_that_is_behind_and_can_not_be_told_apart_makes_nothing_needless(tmp_path):
    arms = [SimulatedArm(accuracy=0.6, seed_sd=0.3), SimulatedArm("rival_tfidf", accuracy=0.3)]
    found = compare(write_task_study(tmp_path, CLASSIFICATION, arms, replicates=2))
    (line,) = [line for line in say(found) if "no language model" in line]
    assert line.startswith("Not shown to beat rival_tfidf main (macro F1 ")
    assert line.endswith("which is no language model: lora main.")
    assert recommend(found, judge(found)).lines[0].endswith("without fine-tuning (rival_tfidf main).")
