"""The table of methods: an entry and its builder make a method that can be planned, trained and kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config import TrialConfig
from study.errors import UserError
from study.methods.entries import LORA
from study.methods.method import ONE_PHASE, Method
from study.methods.table import METHODS
from study.models.adapters import lora_config
from study.models.building import Adapter, Builder, builder_of
from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from study.trial.record import Outcome
from study.trial.trial import run_trial
from study.winner.keeping import saver
from study.workplace import Workplace


class RankStabilized(Adapter):
    """rsLoRA (Kalajdzievski 2023): the adapter is scaled by alpha over the square root of the rank."""

    def adapter(self, model: Any, config: TrialConfig) -> Any:
        return lora_config(model, config, use_rslora=True)


RSLORA_BUILDER = RankStabilized()
RSLORA = Method(
    name="rslora",
    builder=f"{__name__}:RSLORA_BUILDER",
    phases=ONE_PHASE,
    trains_adapter=True,
    scales=LORA.scales,
)


def plan_of(tmp_path: Path, *methods: str) -> Plan:
    space = tmp_path / "scales.py"
    space.write_text(
        "from study.space import Space\n"
        f'SPACE = Space(question="?", compare={{"method": {[*methods]}}}, search=["rank"])\n',
        encoding="utf-8",
    )
    return make_plan(Request(str(space)))


@pytest.fixture
def rslora(monkeypatch: pytest.MonkeyPatch) -> Method:
    monkeypatch.setitem(METHODS, RSLORA.name, RSLORA)
    return RSLORA


@pytest.mark.parametrize("method", [method for method in METHODS.values() if not method.is_floor])
def test_every_method_but_the_floors_has_a_builder(
    method: Method, config_for: Callable[..., TrialConfig]
) -> None:
    assert isinstance(builder_of(config_for(method.name)), Builder)


def test_a_registered_method_is_planned_beside_the_others(rslora: Method, tmp_path: Path) -> None:
    lora, scaled = plan_of(tmp_path, "lora", "rslora").compared
    assert (scaled.label, lora.label) == ("rslora", "lora")
    assert scaled.ranges == lora.ranges
    assert {**scaled.values, "method": "lora"} == lora.values


def test_a_method_that_is_in_no_table_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown method 'lorra': did you mean lora"):
        plan_of(tmp_path, "lorra")


def test_a_method_without_ranges_for_a_profile_names_those_that_it_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scales = {"paper": LORA.scales["paper"]}
    only_paper = Method("rslora", RSLORA.builder, ONE_PHASE, trains_adapter=True, scales=scales)
    monkeypatch.setitem(METHODS, "rslora", only_paper)
    with pytest.raises(UserError, match="rslora has no ranges for profile embedded; valid: --profile paper"):
        plan_of(tmp_path, "rslora")


def test_a_registered_method_trains_and_its_kept_model_answers_as_it_did(
    rslora: Method, config_for: Callable[..., TrialConfig], workplace: Workplace, tmp_path: Path
) -> None:
    values = config_for("lora", max_steps=3).model_dump()
    config = TrialConfig(**{**values, "method": "rslora", "stage": "search"})
    trained = _run(config, workplace, save_model=saver(tmp_path / config.trial_id, config, workplace.model))
    scaled = _run(config_for("lora", max_steps=3, stage="search"), workplace)
    assert trained.row["trainable_parameters"] == scaled.row["trainable_parameters"]
    assert [r["loss"] for r in trained.history][-1] != [r["loss"] for r in scaled.history][-1]

    model = builder_of(config).load_kept(config, workplace, tmp_path / config.trial_id)
    (adapter,) = model.peft_config.values()
    assert adapter.use_rslora


def _run(config: TrialConfig, workplace: Workplace, **options: Any) -> Outcome:
    outcome = Outcome()
    run_trial(config, workplace, outcome, on_progress=lambda progress: None, **options)
    return outcome
