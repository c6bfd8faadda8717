"""Spaces that users may write and that can't be: each is one line, and not a traceback."""

from typing import Any

import pytest

from study.errors import UserError
from study.plan.making import make_plan
from study.plan.request import Request
from study.space import Space, uniform

GOOD: dict[str, Any] = {"question": "?", "compare": {"method": ["lora"]}, "search": ["alpha"]}
TWICE = [{"method": ["lora"]}, {"method": ["lora"], "rank": [8, 16]}]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": ""}, "question must be a sentence, received ''"),
        ({"question": 5}, "question must be a sentence, received 5"),
        ({"compare": [{"method": ["lora"]}, 5]}, "compare must be factors with their values"),
        ({"compare": {5: ["lora"]}}, "unknown factor '5'"),
        ({"compare": {"method": ["lora"], "rank": [True]}}, "rank must be names or numbers, received True"),
        ({"compare": TWICE}, "lora and lora rank 8 begin with the same configuration"),
        ({"compare": {"method": ["lora"], "rank": [4, "4"]}}, "begin with the same configuration"),
        ({"search": None}, "search must be a list of hyperparameters, received None"),
        ({"search": "rank"}, "search must be a list of hyperparameters, received 'rank'"),
        ({"search": [5]}, r"search must be a list of hyperparameters, received \[5\]"),
        ({"search": ["rank"], "ranges": {"rank": uniform(1, 4)}}, "rank takes whole numbers"),
        ({"ranges": 5}, "ranges must be names with what they get, received 5"),
        ({"fixed": None}, "fixed must be names with what they get, received None"),
        ({"fixed": {"method": "full"}}, "method is both fixed and compared"),
        ({"points_to_evaluate": [5]}, "points_to_evaluate must be a list"),
    ],
)
def test_a_space_that_cannot_be_is_one_line(
    changes: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.plan.making.load_space", lambda name: Space(**{**GOOD, **changes}))
    with pytest.raises(UserError, match=reason) as caught:
        make_plan(Request("mine"))
    assert "\n" not in str(caught.value)
