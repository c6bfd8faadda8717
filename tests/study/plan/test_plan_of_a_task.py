"""Plans of other tasks than word problems: factors, floors, few-shot rows, and what is refused."""

import pytest

from study.errors import UserError
from study.plan.making import make_plan
from study.plan.request import Request


def test_a_space_of_word_problems_serves_another_task_without_its_variants() -> None:
    plan = make_plan(Request("lora_vs_qlora", task="classification"))
    assert [arm.label for arm in plan.compared] == ["lora", "qlora"]
    assert {arm.values["variant"] for arm in plan.arms} == {"main"}
    assert plan.notes == (
        "the space compares variant, which task classification has not: one of each is run",
    )
    assert {arm.label for arm in plan.arms if arm.is_baseline} >= {"rival-tfidf", "floor-empty", "zero-shot"}
    assert make_plan(Request("lora_vs_qlora")).notes == ()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("lora_vs_qlora", task="clasification"), "did you mean classification"),
        (Request("lora_vs_qlora", task="classification", primary="f1"), "unknown score 'f1'"),
        (Request("cot_prompting", task="classification"), "unknown prompt_style 'with_breakdown'"),
        (Request("lora_vs_qlora", task="classification", settings={"variant": "socratic"}), "--set variant"),
        (Request("lora_vs_qlora", shots=65), "--shots must be at most 64"),
    ],
)
def test_what_does_not_go_with_a_task_is_refused(request_: Request, reason: str) -> None:
    with pytest.raises(UserError) as refusal:
        make_plan(request_)
    assert reason in str(refusal.value)


def test_few_shot_prompting_stands_beside_where_it_is_asked_for() -> None:
    (few,) = (
        arm for arm in make_plan(Request("lora_rank", shots=4)).arms if arm.values["method"] == "few_shot"
    )
    assert few.confirm_config({}, 0).shots == 4
    assert "few_shot" not in {arm.values["method"] for arm in make_plan(Request("lora_rank")).arms}
