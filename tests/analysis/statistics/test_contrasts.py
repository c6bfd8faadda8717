"""Planned contrasts: which differences a space asks for, and those that it doesn't."""

from itertools import product

import numpy as np
import pytest

from analysis.statistics.contrasts import PlannedArm, estimate_contrast, every_pair, plan_contrasts
from analysis.statistics.differences import Answers
from study.plan.making import make_plan
from study.plan.request import Request

DEFAULTS = {"quantization": "none", "model": "small", "rank": 8, "variant": "main", "prompt_style": "plain"}


def planned(**factors):
    values = {**DEFAULTS, **factors}
    if values["method"] == "qlora":
        values = {**values, "quantization": factors.get("quantization", "nf4")}
    if values["method"] == "full":
        values["rank"] = None
    return PlannedArm(" ".join(str(value) for value in factors.values()), values)


def arms_of(space, profile="paper"):
    plan = make_plan(Request(space, profile=profile))
    return [PlannedArm(arm.label, arm.factors) for arm in plan.compared], {
        factor for block in plan.space.blocks() for factor in block
    }


def sides(contrasts):
    return {(asked.first, asked.second) for asked in contrasts}


def test_two_by_two_has_four_pairs_and_two_main_effects():
    arms = [planned(method=m, variant=v) for m, v in product(("lora", "qlora"), ("main", "socratic"))]
    found = plan_contrasts(arms, ["method", "variant"])
    assert sides(found) == {
        ("lora main", "qlora main"),
        ("lora socratic", "qlora socratic"),
        ("lora main", "lora socratic"),
        ("qlora main", "qlora socratic"),
        ("lora", "qlora"),
        ("main", "socratic"),
    }
    effect = next(asked for asked in found if asked.first == "lora")
    assert effect.weights == {
        "lora main": 0.5,
        "qlora main": -0.5,
        "lora socratic": 0.5,
        "qlora socratic": -0.5,
    }
    assert effect.over == ("main", "socratic")


def test_order_of_the_arms_changes_no_contrast():
    arms = [planned(method=m, variant=v) for m, v in product(("lora", "qlora"), ("main", "socratic"))]
    assert sides(plan_contrasts(arms)) == sides(plan_contrasts(arms[::-1]))


def test_factors_that_vary_are_compared_where_an_old_study_does_not_say():
    arms = [planned(method=m, variant=v) for m, v in product(("lora", "full"), ("main", "socratic"))]
    # Full fine-tuning has no rank, which is no difference of its own.
    assert sides(plan_contrasts(arms)) == sides(plan_contrasts(arms, ["method", "variant"]))
    assert len(plan_contrasts(arms)) == 6


def test_methods_on_other_models_are_no_contrast():
    arms, compared = arms_of("paper")
    pairs = sides(plan_contrasts(arms, compared))
    names = [arm.name for arm in arms]
    lora = next(name for name in names if name.startswith("lora") and "plain" in name and "main" in name)
    qlora = next(name for name in names if name.startswith("qlora") and "main" in name)
    full = next(name for name in names if name.startswith("full") and "main" in name)
    assert not {(lora, qlora), (qlora, lora)} & pairs
    assert {(lora, full), (full, lora)} & pairs
    assert ("lora", "qlora") not in pairs
    assert ("full", "lora") in pairs


def test_papers_variants_are_compared_over_all_cells_that_have_both():
    arms, compared = arms_of("paper")
    effect = next(a for a in plan_contrasts(arms, compared) if (a.first, a.second) == ("main", "socratic"))
    # LoRA in four prompt styles, QLoRA and full fine-tuning; stacked LoRA has one variant.
    assert len(effect.over) == 6
    assert not any("stacked" in name for name in effect.weights)
    assert sorted(set(np.round(list(effect.weights.values()), 9))) == [round(-1 / 6, 9), round(1 / 6, 9)]


def test_quantised_base_is_part_of_its_method():
    arms, compared = arms_of("quantization")
    assert len(arms) == 3
    assert len([a for a in plan_contrasts(arms, compared) if not a.over]) == 3


@pytest.mark.parametrize("space", ["everything", "lora_vs_qlora", "paper", "cot_prompting", "lora_rank"])
def test_weights_of_a_contrast_are_a_difference_of_two_means(space):
    arms, compared = arms_of(space, "embedded")
    contrasts = plan_contrasts(arms, compared)
    for asked in contrasts:
        weights = np.array(list(asked.weights.values()))
        assert weights[weights > 0].sum() == pytest.approx(1)
        assert weights[weights < 0].sum() == pytest.approx(-1)
    assert len(sides(contrasts)) == len(contrasts)


def test_ranks_are_levels_of_a_factor():
    arms = [planned(method=m, rank=r) for m, r in product(("lora", "qlora"), (4, 8))]
    found = plan_contrasts(arms, ["method", "rank"])
    assert ("rank 4", "rank 8") in sides(found)


def test_arms_of_different_studies_have_no_planned_contrast():
    first = PlannedArm("a", {**DEFAULTS, "method": "lora"}, frozenset({"one"}))
    second = PlannedArm("b", {**DEFAULTS, "method": "full"}, frozenset({"two"}))
    both = PlannedArm("b", second.factors, frozenset({"one", "two"}))
    assert plan_contrasts([first, second]) == []
    assert len(plan_contrasts([first, both])) == 1


def test_main_effect_is_the_mean_of_its_pairs():
    generator = np.random.default_rng(0)
    arms = [planned(method=m, variant=v) for m, v in product(("lora", "qlora"), ("main", "socratic"))]
    answers = {arm.name: Answers(arm.name, 100 * generator.random((4, 30))) for arm in arms}
    effect = next(a for a in plan_contrasts(arms) if {a.first, a.second} == {"lora", "qlora"})
    found = estimate_contrast(effect, answers)
    means = {name: arm.scores.mean() for name, arm in answers.items()}
    expected = (
        means["lora main"] + means["lora socratic"] - means["qlora main"] - means["qlora socratic"]
    ) / 2
    assert found.estimate.mean == pytest.approx(abs(expected))
    assert found.better == ("lora" if expected > 0 else "qlora")
    assert found.over == ("main", "socratic")


def test_arms_that_differ_in_what_was_not_compared_as_well_are_no_contrast():
    arms = [planned(method="lora", prompt_style="plain"), planned(method="full", prompt_style="python_code")]
    others = [planned(method="lora", prompt_style="python_code")]
    assert sides(plan_contrasts([*arms, *others], ["method"])) == sides(plan_contrasts([*arms, *others]))


def test_every_pair_is_all_of_them():
    assert sides(every_pair(["a", "b", "c"])) == {("a", "b"), ("a", "c"), ("b", "c")}
