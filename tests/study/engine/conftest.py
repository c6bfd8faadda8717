"""A plan, Ray, and a study of the plan that ran undisturbed: one of each in a module of tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.engine import handing_out
from study.engine.local_ray import LocalRay
from study.plan.binding import bind
from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from tests.study.engine.fake_runs import SLOTS, Done, Log, run


@pytest.fixture(scope="module")
def plan(tiny_model: Path, small_data: Path) -> Plan:
    request = Request(
        "lora_vs_qlora", model=str(tiny_model), data=str(small_data), trials=2, replicates=1, confirm_seeds=1
    )
    return bind(make_plan(request))


@pytest.fixture(scope="module")
def ray_running() -> Iterator[None]:
    with LocalRay(SLOTS):
        yield


@pytest.fixture(scope="module")
def done(plan: Plan, ray_running: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    root, log = tmp_path_factory.mktemp("undisturbed"), Log()
    forget, kept = handing_out.forget_ended, []

    def forget_and_count(tune_controller: Any) -> None:
        forget(tune_controller)
        kept.append(len(tune_controller.get_trials()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handing_out, "forget_ended", forget_and_count)
        return Done(root, log, run(plan, root, log), kept)
