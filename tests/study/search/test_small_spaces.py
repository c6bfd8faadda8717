"""A search of a few values tries each once and ends."""

from pathlib import Path

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from study.engine.launch import repeated_choices
from study.plan.arms import Arm
from study.plan.making import make_plan
from study.plan.request import Request
from study.search.proposals import Proposals
from study.space import choice, count_values, list_values


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (choice(8, 8, 16), [8, 16]),
        (choice(8, 8.0), [8]),
        (choice("a", "b"), ["a", "b"]),
        (IntDistribution(1, 3), [1, 2, 3]),
        (IntDistribution(2, 8, step=3), [2, 5, 8]),
        (IntDistribution(1, 4, log=True), [1, 2, 3, 4]),
        (FloatDistribution(0, 1, step=0.5), [0.0, 0.5, 1.0]),
        (FloatDistribution(1.0, 1.0), [1.0]),
        (FloatDistribution(1.0, 1.0 + 2**-52), [1.0, 1.0 + 2**-52]),
    ],
)
def test_the_values_of_a_range_are_counted(distribution: BaseDistribution, values: list[object]) -> None:
    assert count_values(distribution) == len(values)
    assert list(list_values(distribution)) == values


@pytest.mark.parametrize(
    "ranges",
    [
        {"rank": choice(4, 4, 8)},
        {"rank": IntDistribution(1, 7), "alpha": choice(8.0)},
        {"rank": choice(4, 8), "alpha": FloatDistribution(8, 16, step=8), "lora_dropout": choice(0.0, 0.0)},
        {"learning_rate": FloatDistribution(1.0, 1.0 + 2**-50)},
        {"rank": IntDistribution(1, 1000, log=True)},
    ],
)
def test_a_search_of_a_small_space_tries_each_value_once_and_ends(
    ranges: dict[str, BaseDistribution],
) -> None:
    (_, arm, *_) = make_plan(Request("lora_vs_qlora", settings={"variant": "main"})).arms
    sizes = [count_values(distribution) for distribution in ranges.values()]
    trials = min(40, int(sizes[0] * (sizes[1] if len(sizes) > 1 else 1)))
    search = Proposals(_with(arm, ranges, trials), 0, parallel=True)
    tried = [tuple(search.propose().values()) for _ in range(trials)]
    assert len(set(tried)) == trials


def _with(arm: Arm, ranges: dict[str, BaseDistribution], trials: int) -> Arm:
    import dataclasses

    return dataclasses.replace(arm, ranges=ranges, guesses=(), search_trials=trials)


def test_a_choice_that_is_named_twice_is_tried_once_and_said(tmp_path: Path) -> None:
    space = tmp_path / "space.py"
    text = "from study.space import *\n"
    text += "SPACE = Space('?', {'method': ['lora']}, ['rank'], ranges={'rank': choice(4, 4, 8)})\n"
    space.write_text(text, encoding="utf-8")
    plan = make_plan(Request(str(space), trials=5, replicates=3))
    (arm,) = plan.compared
    assert isinstance(arm.ranges["rank"], CategoricalDistribution)
    assert arm.search_trials == 2
    assert repeated_choices(plan) == ["the choices of rank name a value twice; each value is tried as one"]
