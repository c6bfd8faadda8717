"""The plan of a study: what a request comes to, arm by arm, before anything runs.

A request (the command line) names a space and a profile and changes a few values; `make_plan` turns it into
arms, each with its fixed configuration, its ranges, and its number of trials. Making a plan reads no data
and no model; `study.plan.binding` adds both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
)

from study.config import ADAPTER_METHODS, FLOOR_METHODS, TRAINED_METHODS, TrialConfig, make_config
from study.errors import UserError, unknown_name
from study.plan.labels import label_arms, slugs_of
from study.plan.profiles import PROFILES, Profile
from study.plan.seeds import Role, derive_seed
from study.plan.space_check import check_space
from study.rows.problems import GSM8K_COLUMNS, Columns
from study.sources.finding import Source
from study.space import FACTORS, Space, contains, count_values, ends, load_space

# Settings that only some methods take.
_ADAPTER_ONLY = ("rank", "alpha", "lora_dropout", "target_modules")
_BUDGET = ("batch_size", "max_steps", "epochs", "learning_rate", "evaluations")
_PAIRED_BUDGETS = (("max_steps", "epochs"), ("second_max_steps", "second_epochs"))


@dataclass(frozen=True)
class Request:
    """What the user asked for. None: as the profile has it."""

    space: str
    profile: str = "embedded"
    model: str | None = None
    data: str | None = None
    code_data: str | None = None
    question_column: str = GSM8K_COLUMNS.question
    answer_column: str = GSM8K_COLUMNS.answer
    replicates: int | None = None
    trials: int | None = None
    confirm_seeds: int | None = None
    looks: tuple[int, ...] | None = None
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    # Arms that were extended on their own: label -> replicates.
    replicates_of: Mapping[str, int] = field(default_factory=dict)
    skip_bad_rows: bool = False
    keep_leaks: bool = False
    early_stopping: bool = True

    @property
    def columns(self) -> Columns:
        """The data's columns that hold the question and the answer."""
        return Columns(self.question_column, self.answer_column)


@dataclass(frozen=True)
class Arm:
    """One combination of the compared factors.

    A replicate is one whole pass of the arm through both stages: its own validation split, its own search,
    and a confirm stage of what that search found.

    Attributes:
        label: its name for people, unique in its study.
        slug: the label as a folder's name, unique on every file system.
        factors: factor -> value, as they stand in the results.
        values: configuration values of all its trials.
        ranges: hyperparameter -> range, searched within the arm.
        guesses: what a search tries first: the profile's own values of what is searched, then the space's.
        replicates: passes through both stages.
        search_trials: trials of each replicate's search.
        confirm_seeds: trainings anew of what it found, each with a seed of its own; 0: the model that the
            search found best is scored as it is.
        seed: of the whole study.
    """

    label: str
    slug: str
    factors: Mapping[str, Any]
    values: Mapping[str, Any]
    ranges: Mapping[str, BaseDistribution]
    guesses: tuple[Mapping[str, Any], ...]
    replicates: int
    search_trials: int
    confirm_seeds: int
    seed: int

    @property
    def is_baseline(self) -> bool:
        """Whether nothing trains in it: the zero-shot row, or a no-skill floor."""
        return self.values["method"] not in TRAINED_METHODS

    @property
    def confirm_trials(self) -> int:
        """Confirm trials of each replicate."""
        return max(1, self.confirm_seeds)

    @property
    def trials_a_replicate(self) -> int:
        """Trials of both stages of one replicate."""
        return self.search_trials + self.confirm_trials

    @property
    def trials_by_stage(self) -> dict[str, int]:
        """Trials of all replicates: of the search, and of the confirm stage."""
        return {
            "search": self.replicates * self.search_trials,
            "confirm": self.replicates * self.confirm_trials,
        }

    @property
    def trials(self) -> int:
        """Trials of all replicates and both stages."""
        return sum(self.trials_by_stage.values())

    def search_config(self, parameters: Mapping[str, Any], replicate: int) -> TrialConfig:
        """Return the configuration of a search trial."""
        seed = derive_seed(self.seed, "search", replicate)
        return self._config(parameters, replicate, stage="search", seed=seed)

    def confirm_config(self, parameters: Mapping[str, Any], replicate: int, number: int = 0) -> TrialConfig:
        """Return the configuration of a confirm trial that trains anew, or of a baseline's only trial."""
        role: Role = "baseline" if self.is_baseline else "confirm"
        seed = derive_seed(self.seed, role, replicate, number)
        return self._config(parameters, replicate, stage="confirm", seed=seed)

    def scoring_config(self, parameters: Mapping[str, Any], replicate: int) -> TrialConfig:
        """Return the configuration of the confirm trial that scores the model of a search trial."""
        trained = self.search_config(parameters, replicate)
        return make_config({**trained.model_dump(), "stage": "confirm", "trained_by": trained.trial_id})

    def _config(self, parameters: Mapping[str, Any], replicate: int, **own: Any) -> TrialConfig:
        split_seed = derive_seed(self.seed, "split", replicate)
        return make_config({**self.values, **parameters, "split_seed": split_seed, **own})


@dataclass(frozen=True)
class Plan:
    """What a study will run.

    Attributes:
        models: name -> where each base model was found; empty until the plan is bound.
        data, code_data: where the data were found; None until then, and where none is needed.
        notes: what the user has to know of the data, a line each.
    """

    request: Request
    space: Space
    profile: Profile
    arms: tuple[Arm, ...]
    models: Mapping[str, Source] = field(default_factory=dict)
    data: Source | None = None
    code_data: Source | None = None
    notes: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        """Trials of all arms and both stages."""
        return sum(arm.trials for arm in self.arms)

    @property
    def compared(self) -> list[Arm]:
        """The arms that train: all but the baselines."""
        return [arm for arm in self.arms if not arm.is_baseline]


def make_plan(request: Request) -> Plan:
    """Return the plan of a request, checked as far as that needs no data and no model.

    Raises:
        UserError: an unknown space, profile, factor or setting, or a value out of range.
    """
    space = load_space(request.space)
    if request.profile not in PROFILES:
        raise unknown_name("profile", request.profile, PROFILES)
    profile = PROFILES[request.profile]
    check_space(space, profile.ranges)
    _check_numbers(request)
    combinations = _combinations(space, profile, request)
    values = [_values(combination, space, profile, request) for combination in combinations]
    _check_settings(request, values)
    labels = label_arms(combinations)
    names = zip(labels, slugs_of(labels), values, strict=True)
    arms = [_arm(label, slug, own, space, profile, request) for label, slug, own in names]
    for arm in arms:
        _check_arm(arm)
    return Plan(request, space, profile, tuple(arms))


def search_width(plan: Plan, slots: int) -> int:
    """Return how many trials of one search may run at once, to keep `slots` slots busy."""
    searches = sum(arm.replicates for arm in plan.compared)
    return max(1, math.ceil(slots / max(1, searches)))


def _check_numbers(request: Request) -> None:
    numbers = (
        ("--replicates", request.replicates, 1),
        ("--trials", request.trials, 1),
        ("--confirm-seeds", request.confirm_seeds, 0),
        ("--seed", request.seed, 0),
    )
    for option, number, least in numbers:
        if number is not None and number < least:
            raise UserError(f"{option} must be at least {least}, received {number}")
    if request.looks and request.replicates not in (None, request.looks[-1]):
        raise UserError(
            f"--looks ends with the last replicate: --looks {','.join(map(str, request.looks))} goes with "
            f"--replicates {request.looks[-1]}, received --replicates {request.replicates}"
        )


def _combinations(space: Space, profile: Profile, request: Request) -> list[dict[str, Any]]:
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
    zero_shot = [_keep(c, ("model", "variant", "prompt_style", "annotations")) for c in compared]
    floors = [_keep(c, ("variant", "prompt_style", "annotations")) for c in compared]
    baselines = [{"method": "zero_shot", **c} for c in zero_shot]
    baselines += [{"method": method, **c} for c in floors for method in FLOOR_METHODS]
    return _distinct([*compared, *baselines])


def _values(
    combination: Mapping[str, Any], space: Space, profile: Profile, request: Request
) -> dict[str, Any]:
    """Return the configuration values of an arm, from the general to the particular."""
    method = combination["method"]
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
    if method in ADAPTER_METHODS:
        values |= profile.adapter_defaults
    if method == "stacked_lora":
        values |= {"code_data": request.code_data or profile.code_data, "code_fingerprint": ""}
    values |= profile.method_defaults.get(method, {})
    values |= {name: value for name, value in space.fixed.items() if _takes(method, name)}
    values |= combination
    settings = {n: v for n, v in request.settings.items() if n not in combination and _takes(method, n)}
    values |= settings
    # One budget: the one that is set, fixed or searched replaces the profile's.
    asked = {*space.fixed, *space.search}
    for pair in _PAIRED_BUDGETS:
        for name, other in (pair, pair[::-1]):
            if name in settings or (name in asked and other not in settings and _takes(method, name)):
                values.pop(other, None)
    if method not in TRAINED_METHODS:
        values = {name: value for name, value in values.items() if name not in _BUDGET}
        values["quantization"] = "none"
    return values


def _takes(method: str, name: str) -> bool:
    """Tell whether a method has a setting of that name."""
    if name in _ADAPTER_ONLY:
        return method in ADAPTER_METHODS
    if name.startswith("second_"):
        return method == "stacked_lora"
    if name in _BUDGET:
        return method in TRAINED_METHODS
    if name == "quantization":
        return method == "qlora"
    return True


def _check_settings(request: Request, values: list[dict[str, Any]]) -> None:
    for first, second in _PAIRED_BUDGETS:
        if first in request.settings and second in request.settings:
            raise UserError(f"--set takes {first} or {second}, not both")
    methods = {arm["method"] for arm in values if arm["method"] in TRAINED_METHODS}
    if request.settings.get("method", "lora") in (*FLOOR_METHODS, "zero_shot"):
        raise UserError(
            f"--set method: {request.settings['method']} trains nothing and stands beside the arms anyway; "
            f"valid: {', '.join(TRAINED_METHODS)}"
        )
    for name in request.settings:
        if name != "method" and not any(_takes(method, name) for method in methods):
            raise UserError(f"--set {name}: no arm of this space takes it")
    if request.code_data is not None and "stacked_lora" not in methods:
        raise UserError(
            f"--code-data: the methods of this space ({', '.join(sorted(methods))}) take no code data; "
            "stacked_lora does"
        )


def _check_arm(arm: Arm) -> None:
    """Refuse what can't be, the ends of the ranges included, before anything is fetched."""
    arm.confirm_config({}, 0)
    for name, distribution in arm.ranges.items():
        for value in ends(distribution):
            arm.search_config({name: value}, 0)


def _arm(
    label: str, slug: str, values: dict[str, Any], space: Space, profile: Profile, request: Request
) -> Arm:
    method = values["method"]
    trained = method in TRAINED_METHODS
    own = profile.ranges.get(method, {})
    known = {**own, **{name: r for name, r in space.ranges.items() if _takes(method, name)}}
    ranges = {name: known[name] for name in space.search if name in known and name not in request.settings}
    # What is searched without a value in the profile stands at its range's first value.
    values = {**{name: ends(distribution)[0] for name, distribution in ranges.items()}, **values}
    trials = request.trials or profile.search_trials
    seeds = profile.confirm_seeds if request.confirm_seeds is None else request.confirm_seeds
    planned = request.looks[-1] if request.looks else request.replicates or profile.replicates
    return Arm(
        label=label,
        slug=slug,
        factors={name: values.get(name) for name in FACTORS},
        values=values,
        ranges=ranges,
        guesses=_guesses(values, ranges, space),
        # No configuration is tried twice: of a small space (or of none) there may be fewer than asked for.
        search_trials=int(min(trials, math.prod(map(count_values, ranges.values())))) if trained else 0,
        replicates=request.replicates_of.get(label, planned) if trained else 1,
        confirm_seeds=seeds if trained else 1,
        seed=request.seed,
    )


def _guesses(
    values: Mapping[str, Any], ranges: Mapping[str, BaseDistribution], space: Space
) -> tuple[Mapping[str, Any], ...]:
    """Return what an arm's search tries first: the profile's own values, then the points of the space."""
    own = {name: value for name, value in _keep(values, ranges).items() if contains(ranges[name], value)}
    points = []
    for point in space.points_to_evaluate:
        for name, value in point.items():
            if name not in space.search:
                raise unknown_name("searched hyperparameter in points_to_evaluate", name, space.search)
            if name in ranges and not contains(ranges[name], value):
                raise UserError(f"points_to_evaluate: {name} must lie in {ranges[name]}, received {value!r}")
        points.append(_keep(point, ranges))
    return tuple(_distinct([guess for guess in (own, *points) if guess]))


def _keep(combination: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: combination[name] for name in names if name in combination}


def _distinct(combinations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [c for i, c in enumerate(combinations) if c not in combinations[:i]]
