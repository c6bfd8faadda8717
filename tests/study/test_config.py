from collections.abc import Callable

import pytest

from study.config import TrialConfig, make_config, parse_setting
from study.errors import UserError

Maker = Callable[..., TrialConfig]


def test_the_id_is_a_hash_of_the_whole_configuration(config_for: Maker) -> None:
    config = config_for("lora")
    assert config.trial_id == config_for("lora").trial_id
    changes = {"seed": 1, "stage": "search", "rank": 8, "data_fingerprint": "other", "max_steps": 5}
    ids = {config_for("lora", **{name: value}).trial_id for name, value in changes.items()}
    assert len(ids | {config.trial_id}) == len(changes) + 1


def test_the_test_split_is_read_in_the_confirm_stage_alone(config_for: Maker) -> None:
    assert config_for("lora", stage="search").split == "validation"
    assert config_for("lora", stage="confirm").split == "test"


@pytest.mark.parametrize(
    ("method", "changes", "reason"),
    [
        ("lora", {"rank": 0}, "rank: .*greater than or equal to 1, received 0"),
        ("lora", {"rank": None}, "needs rank"),
        ("full", {"rank": 4}, "takes no rank"),
        ("qlora", {"quantization": "none"}, "needs a quantization: nf4 or int8"),
        ("lora", {"quantization": "nf4"}, "goes with method qlora"),
        ("lora", {"quantization": "fp4"}, "'none', 'nf4' or 'int8'"),
        ("lora", {"epochs": 2.0}, "not both"),
        ("full", {"learning_rate": None}, "needs learning_rate"),
        ("lora", {"learning_rte": 1}, "did you mean learning_rate"),
        ("lora", {"seed": -1}, "seed"),
        ("zero_shot", {"shots": 4}, "shots go with method few_shot alone"),
        ("few_shot", {"shots": 0}, "1 or more: received 0"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_in_one_line(
    config_for: Maker, method: str, changes: dict, reason: str
) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        config_for(method, **changes)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_lists_the_valid_ones(config_for: Maker) -> None:
    values = config_for("full").model_dump() | {"method": "lorra"}
    with pytest.raises(UserError, match="'lora', 'qlora', 'full', 'stacked_lora'"):
        make_config(values)


def test_settings_are_read_as_json_or_text() -> None:
    assert parse_setting("rank=8") == ("rank", 8)
    assert parse_setting("learning_rate=1e-3") == ("learning_rate", 1e-3)
    assert parse_setting("target_modules=q,v") == ("target_modules", "q,v")
    assert parse_setting("test_questions=null") == ("test_questions", None)


@pytest.mark.parametrize(
    ("text", "reason"), [("rank", "takes name=value"), ("rnk=8", "did you mean rank"), ("seed=3", "unknown")]
)
def test_a_setting_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        parse_setting(text)


def test_a_scoring_trial_names_the_configuration_that_trained_its_model() -> None:
    from study.plan.making import make_plan
    from study.plan.request import Request

    arm = make_plan(Request("lora_vs_qlora")).arms[0]
    searched, scoring = arm.search_config({"rank": 4}, 2), arm.scoring_config({"rank": 4}, 2)
    assert scoring.as_trained == searched == searched.as_trained
    assert scoring.trained_by == searched.trial_id != scoring.trial_id
