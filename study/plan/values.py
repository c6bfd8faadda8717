"""The values of an arm's configurations: from the profile, the method, the space and the user's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from study.config import MATH
from study.methods.method import TRAINING_SETTINGS
from study.methods.table import METHODS
from study.plan.profiles import Profile
from study.plan.request import Request
from study.space import Space
from study.tasks.finding import FoundTask

# One budget at most: steps, or passes over the data.
PAIRED_BUDGETS = (("max_steps", "epochs"), ("second_max_steps", "second_epochs"))


# What decides how a question is put: a baseline is put as the arms that it stands beside.
_PUT_BY = ("variant", "prompt_style", "annotations", "template", "system")


# Factors that word problems alone have, and what stands for them elsewhere.
OF_MATH = {"variant": "main", "annotations": "strip"}


def combine_factors(
    space: Space, profile: Profile, request: Request, found: FoundTask
) -> list[dict[str, Any]]:
    """Return the factors of every arm: those of the space, the untrained rows, and the task's floors."""
    task, fixed = found.task, request.settings if found.name == MATH else {**request.settings, **OF_MATH}
    compared = distinct(
        [
            {name: fixed.get(name, value) for name, value in combination.items()}
            for combination in space.combinations()
        ]
    )
    for combination in compared:
        if "model" in combination:  # a role, or a name
            combination["model"] = request.model or profile.models.get(
                combination["model"], combination["model"]
            )
    untrained = [keep(c, ("model", *_PUT_BY)) for c in compared]
    floors = [keep(c, _PUT_BY[:3]) for c in compared]
    baselines = [{"method": "zero_shot", **c} for c in untrained]
    baselines += [{"method": "few_shot", **c} for c in untrained if request.shots]
    baselines += [{"method": method, **c} for c in floors for method in task.floors]
    return distinct([*compared, *baselines])


def values_of(
    combination: Mapping[str, Any], space: Space, profile: Profile, request: Request, found: FoundTask
) -> dict[str, Any]:
    """Return the configuration values of an arm, from the general to the particular."""
    method = METHODS[combination["method"]]
    values: dict[str, Any] = {
        "model": request.model or profile.models["small"],
        "model_fingerprint": "",
        "data": request.data or profile.data,
        "data_fingerprint": "",
        "variant": "main",
        "prompt_style": next(iter(found.task.styles)),
        "annotations": "strip",
        "quantization": "none",
        **_task_values(found, request),
        **profile.defaults,
    }
    if method.has_second_phase:
        values |= {"code_data": request.code_data or profile.code_data, "code_fingerprint": ""}
    if method.is_trained:
        values |= profile.scale_of(method).defaults
    values |= {name: value for name, value in space.fixed.items() if method.takes(name)}
    values |= combination
    settings = {n: v for n, v in request.settings.items() if n not in combination and method.takes(n)}
    values |= settings
    # One budget: the one that is set, fixed or searched replaces the profile's.
    asked = {*space.fixed, *space.search}
    for pair in PAIRED_BUDGETS:
        for name, other in (pair, pair[::-1]):
            if name in settings or (name in asked and other not in settings and method.takes(name)):
                values.pop(other, None)
    if not method.is_trained:
        values = {name: value for name, value in values.items() if name not in TRAINING_SETTINGS}
        values["quantization"] = "none"
    if values["method"] == "few_shot":
        values["shots"] = request.shots
    return values


def _task_values(found: FoundTask, request: Request) -> dict[str, Any]:
    """Return what an arm says of its task, as far as it is not what a study says that names none."""
    values = {} if found.name == MATH else {"task": found.name, "task_fingerprint": found.fingerprint}
    return values | ({"primary": request.primary} if request.primary else {})


def keep(combination: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the values of those names, as far as there are any."""
    return {name: combination[name] for name in names if name in combination}


def distinct(combinations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the combinations, each once."""
    return [c for i, c in enumerate(combinations) if c not in combinations[:i]]
