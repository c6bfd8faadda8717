"""The values of an arm's configurations: from the profile, the method, the space and the user's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from study.methods.method import TRAINING_SETTINGS
from study.methods.table import METHODS, floor_methods
from study.plan.profiles import Profile
from study.plan.request import Request
from study.space import Space

# One budget at most: steps, or passes over the data.
PAIRED_BUDGETS = (("max_steps", "epochs"), ("second_max_steps", "second_epochs"))


def combine_factors(space: Space, profile: Profile, request: Request) -> list[dict[str, Any]]:
    """Return the factors of every arm: those of the space, the zero-shot rows, and the floors."""
    compared = [
        {name: request.settings.get(name, value) for name, value in combination.items()}
        for combination in space.combinations()
    ]
    for combination in compared:
        if "model" in combination:  # a role, or a name
            combination["model"] = request.model or profile.models.get(
                combination["model"], combination["model"]
            )
    zero_shot = [keep(c, ("model", "variant", "prompt_style", "annotations")) for c in compared]
    floors = [keep(c, ("variant", "prompt_style", "annotations")) for c in compared]
    baselines = [{"method": "zero_shot", **c} for c in zero_shot]
    baselines += [{"method": method, **c} for c in floors for method in floor_methods()]
    return distinct([*compared, *baselines])


def values_of(
    combination: Mapping[str, Any], space: Space, profile: Profile, request: Request
) -> dict[str, Any]:
    """Return the configuration values of an arm, from the general to the particular."""
    method = METHODS[combination["method"]]
    values: dict[str, Any] = {
        "model": request.model or profile.models["small"],
        "model_fingerprint": "",
        "data": request.data or profile.data,
        "data_fingerprint": "",
        "variant": "main",
        "prompt_style": "plain",
        "annotations": "strip",
        "quantization": "none",
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
    return values


def keep(combination: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the values of those names, as far as there are any."""
    return {name: combination[name] for name in names if name in combination}


def distinct(combinations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the combinations, each once."""
    return [c for i, c in enumerate(combinations) if c not in combinations[:i]]
