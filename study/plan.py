"""The plan of a study: what a request comes to, arm by arm, before anything runs.

A request (the command line) names a space and a profile and changes a few values; `make_plan` turns it into
arms, each with its fixed configuration, its ranges, and its number of trials. Making a plan reads no data
and no model; `bind` adds both.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution

from study.config import ADAPTER_METHODS, TrialConfig, make_config
from study.data import fingerprint, load_split
from study.errors import UserError, unknown_name
from study.models import check_model
from study.profiles import PROFILES, Profile
from study.sources import Source, find_data, find_model, fingerprint_folder
from study.space import FACTORS, Space, label_arms, load_space

_ADAPTER_ONLY = ("rank", "alpha", "lora_dropout", "target_modules")
_UNBOUND: dict[str, Any] = {"model_fingerprint": "", "data_fingerprint": ""}


@dataclass(frozen=True)
class Request:
    """What the user asked for. None: as the profile has it."""

    space: str
    profile: str = "embedded"
    model: str | None = None
    data: str | None = None
    trials: int | None = None
    confirm_seeds: int | None = None
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    skip_bad_rows: bool = False


@dataclass(frozen=True)
class Arm:
    """One combination of the compared factors.

    Attributes:
        label, slug: its name for people, and as a folder's name.
        factors: factor -> value, as they stand in the results.
        values: configuration values of all its trials (without what its ranges give).
        ranges: hyperparameter -> range, searched within the arm.
        search_trials: trials of the search stage.
        confirm_seeds: seed of each trial of the confirm stage.
    """

    label: str
    factors: Mapping[str, Any]
    values: Mapping[str, Any]
    ranges: Mapping[str, BaseDistribution]
    search_trials: int
    confirm_seeds: tuple[int, ...]
    search_seed: int

    @property
    def slug(self) -> str:
        """The label as a folder's name."""
        return re.sub(r"[^a-z0-9.]+", "-", self.label.lower()).strip("-")

    @property
    def trials(self) -> int:
        """Trials of both stages."""
        return self.search_trials + len(self.confirm_seeds)

    @property
    def first_guess(self) -> dict[str, Any]:
        """The profile's own values of what is searched: the search tries them first."""
        return {name: self.values[name] for name in self.ranges if name in self.values}

    def search_config(self, parameters: Mapping[str, Any]) -> TrialConfig:
        """Return the configuration of a search trial."""
        return make_config({**self.values, **parameters, "stage": "search", "seed": self.search_seed})

    def confirm_config(self, parameters: Mapping[str, Any], seed: int) -> TrialConfig:
        """Return the configuration of a confirm trial."""
        return make_config({**self.values, **parameters, "stage": "confirm", "seed": seed})


@dataclass(frozen=True)
class Plan:
    """What a study will run. `model` and `data` are None until `bind`."""

    request: Request
    space: Space
    profile: Profile
    arms: tuple[Arm, ...]
    model: Source | None = None
    data: Source | None = None
    skipped_rows: int = 0

    @property
    def trials(self) -> int:
        """Trials of all arms and both stages."""
        return sum(arm.trials for arm in self.arms)


def make_plan(request: Request) -> Plan:
    """Return the plan of a request, checked as far as that needs no data and no model.

    Raises:
        UserError: an unknown space, profile, factor or setting, or a value out of range.
    """
    space = load_space(request.space)
    if request.profile not in PROFILES:
        raise unknown_name("profile", request.profile, PROFILES)
    profile = PROFILES[request.profile]
    if request.trials is not None and request.trials < 1:
        raise UserError(f"--trials must be at least 1, received {request.trials}")
    if request.confirm_seeds is not None and request.confirm_seeds < 1:
        raise UserError(f"--confirm-seeds must be at least 1, received {request.confirm_seeds}")
    combinations = _apply_settings(space.combinations(), request.settings)
    combinations += _zero_shot(combinations)
    values = [_values(combination, profile, request) for combination in combinations]
    _check_settings(request.settings, values)
    labels = label_arms(combinations)
    arms = [_arm(label, v, space, profile, request) for label, v in zip(labels, values, strict=True)]
    for arm in arms:
        arm.confirm_config({}, request.seed)  # refuses what can't be before anything is fetched
    return Plan(request, space, profile, tuple(arms))


def bind(plan: Plan) -> Plan:
    """Return the plan with its model and data found, read and checked, and their fingerprints in its arms.

    Raises:
        UserError: the model or the data can't be used.
    """
    model = find_model(plan.request.model or plan.profile.model)
    data = find_data(plan.request.data or plan.profile.data)
    prints, skipped = {}, 0
    for variant in dict.fromkeys(arm.values["variant"] for arm in plan.arms):
        splits = [
            load_split(data.path, variant, split, skip_bad_rows=plan.request.skip_bad_rows)
            for split in ("train", "test")
        ]
        prints[variant] = fingerprint(*splits)
        skipped += sum(split.skipped for split in splits)
    check_model(model, _target_modules(plan))
    model_print = model.revision or fingerprint_folder(model.path)

    def bound(arm: Arm) -> Arm:
        found = {
            "model": model.name,
            "model_fingerprint": model_print,
            "data": data.name,
            "data_fingerprint": prints[arm.values["variant"]],
        }
        return dataclasses.replace(
            arm, values={**arm.values, **found}, factors={**arm.factors, "model": model.name}
        )

    arms = tuple(bound(arm) for arm in plan.arms)
    return dataclasses.replace(plan, arms=arms, model=model, data=data, skipped_rows=skipped)


def _target_modules(plan: Plan) -> set[str]:
    """Return every value of target_modules that a trial of the plan may have."""
    found: set[str] = set()
    for arm in plan.arms:
        searched = arm.ranges.get("target_modules")
        choices = getattr(searched, "choices", None) or [arm.values.get("target_modules")]
        found.update(str(choice) for choice in choices if choice is not None)
    return found


def search_width(plan: Plan, slots: int) -> int:
    """Return how many of an arm's search trials may run at once, to keep `slots` slots busy."""
    searching = sum(arm.search_trials > 0 for arm in plan.arms)
    return max(1, math.ceil(slots / max(1, searching)))


def _apply_settings(combinations: list[dict[str, Any]], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    # A compared factor that is set is compared no more: its arms fall together.
    changed = [{n: settings.get(n, v) for n, v in combination.items()} for combination in combinations]
    return [c for i, c in enumerate(changed) if c not in changed[:i]]


def _zero_shot(combinations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = ("model", "variant", "prompt_style")
    arms = [{"method": "zero_shot", **{n: c[n] for n in kept if n in c}} for c in combinations]
    return [arm for i, arm in enumerate(arms) if arm not in arms[:i]]


def _values(combination: Mapping[str, Any], profile: Profile, request: Request) -> dict[str, Any]:
    method = combination["method"]
    values: dict[str, Any] = {"model": request.model or profile.model, "data": request.data or profile.data}
    values |= {"variant": "main", "prompt_style": "plain", "quantization": "none", **_UNBOUND}
    values |= profile.defaults
    if method in ADAPTER_METHODS:
        values |= profile.adapter_defaults
    values |= profile.method_defaults.get(method, {})
    values |= combination
    for name, value in request.settings.items():
        if name not in combination and (name not in _ADAPTER_ONLY or method in ADAPTER_METHODS):
            values[name] = value
    # One budget: the one that is set replaces the profile's.
    for name, other in (("max_steps", "epochs"), ("epochs", "max_steps")):
        if name in request.settings:
            values.pop(other, None)
    if method == "zero_shot":
        for name in ("batch_size", "max_steps", "epochs", "learning_rate", "evaluations"):
            values.pop(name, None)
        values["quantization"] = "none"
    return values


def _check_settings(settings: Mapping[str, Any], values: list[dict[str, Any]]) -> None:
    if "max_steps" in settings and "epochs" in settings:
        raise UserError("--set takes max_steps or epochs, not both")
    for name in settings:
        if not any(name in arm for arm in values if arm["method"] != "zero_shot"):
            raise UserError(f"--set {name}: no arm of this space takes it")


def _arm(label: str, values: dict[str, Any], space: Space, profile: Profile, request: Request) -> Arm:
    method = values["method"]
    trained = method != "zero_shot"
    own = profile.ranges.get(method, {})
    available = {**own, **{n: r for n, r in space.ranges.items() if n in own}}
    ranges = {n: available[n] for n in space.search if n in available and n not in request.settings}
    trials = request.trials or profile.search_trials
    seeds = request.confirm_seeds or profile.confirm_seeds
    return Arm(
        label=label,
        factors={name: values.get(name) for name in FACTORS},
        values=values,
        ranges=ranges,
        # Nothing to search: one trial stands for all of them.
        search_trials=(trials if ranges else 1) if trained else 0,
        confirm_seeds=tuple(request.seed + 1 + i for i in range(seeds)) if trained else (request.seed,),
        search_seed=request.seed,
    )
