"""Making a plan: a request (the command line) names a space and a profile and changes a few values.

Arms come of it, each with its fixed configuration, its ranges, and its number of trials. Making a plan reads
no data and no model; `study.plan.binding` adds both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution

from study.config import MATH, TrialConfig
from study.errors import UserError, unknown_name
from study.methods.table import METHODS, check_method, trained_methods
from study.plan.arms import Arm
from study.plan.labels import label_arms, slugs_of
from study.plan.plan import Plan
from study.plan.profiles import PROFILES, Profile
from study.plan.request import Request
from study.plan.space_check import check_space
from study.plan.task_check import check_style, check_task, describe_left_out
from study.plan.values import PAIRED_BUDGETS, combine_factors, distinct, keep, values_of
from study.space import FACTORS, LATER_FACTORS, Space, contains, count_values, ends, load_space
from study.tasks.finding import find_task

# Of searches, of trials and of trainings anew: more is a slip of the finger.
_MOST = 1_000_000


def make_plan(request: Request) -> Plan:
    """Return the plan of a request, checked as far as that needs no data and no model.

    Raises:
        UserError: an unknown space, profile, factor or setting, or a value out of range.
    """
    space = load_space(request.space)
    if request.profile not in PROFILES:
        raise unknown_name("profile", request.profile, PROFILES)
    profile = PROFILES[request.profile]
    task = find_task(request.task or MATH)
    check_space(space, profile, task)
    _check_numbers(request)
    _check_method(request)
    check_task(request, task)
    combinations = combine_factors(space, profile, request, task)
    values = [values_of(combination, space, profile, request, task) for combination in combinations]
    _check_settings(request, values)
    for own in values:
        check_style(own["prompt_style"], task)
    labels = label_arms(combinations)
    names = zip(labels, slugs_of(labels), values, strict=True)
    arms = [_arm(label, slug, own, space, profile, request) for label, slug, own in names]
    for arm in arms:
        _check_arm(arm)
    _check_distinct(arms)
    return Plan(request, space, profile, tuple(arms), task, notes=describe_left_out(space, task))


def _check_numbers(request: Request) -> None:
    numbers = (
        ("--replicates", request.replicates, 1, _MOST),
        ("--trials", request.trials, 1, _MOST),
        ("--confirm-seeds", request.confirm_seeds, 0, _MOST),
        ("--seed", request.seed, 0, math.inf),
        ("--shots", request.shots, 0, 64),
    )
    for option, number, least, most in numbers:
        if number is not None and number < least:
            raise UserError(f"{option} must be at least {least}, received {number}")
        if number is not None and number > most:
            raise UserError(f"{option} must be at most {most:,}, received {number}")
    if request.looks and request.replicates not in (None, request.looks[-1]):
        raise UserError(
            f"--looks ends with the last replicate: --looks {','.join(map(str, request.looks))} goes with "
            f"--replicates {request.looks[-1]}, received --replicates {request.replicates}"
        )


def _check_method(request: Request) -> None:
    if "method" not in request.settings:
        return
    name = request.settings["method"]
    try:
        check_method(name)
    except ValueError as error:
        raise UserError(f"method: {error}, received {name!r}") from None
    if not METHODS[name].is_trained:
        raise UserError(
            f"--set method: {name} trains nothing and stands beside the arms anyway; "
            f"valid: {', '.join(trained_methods())}"
        )


def _check_settings(request: Request, values: list[dict[str, Any]]) -> None:
    for first, second in PAIRED_BUDGETS:
        if first in request.settings and second in request.settings:
            raise UserError(f"--set takes {first} or {second}, not both")
    methods = {arm["method"] for arm in values if METHODS[arm["method"]].is_trained}
    for name in request.settings:
        if name != "method" and not any(METHODS[method].takes(name) for method in methods):
            raise UserError(f"--set {name}: no arm of this space takes it")
    if request.code_data is not None and not any(METHODS[method].has_second_phase for method in methods):
        those = [name for name, method in METHODS.items() if method.has_second_phase]
        raise UserError(
            f"--code-data: the methods of this space ({', '.join(sorted(methods))}) take no code data; "
            f"{', '.join(those)} does"
        )


def _check_arm(arm: Arm) -> None:
    """Refuse what can't be, the ends of the ranges included, before anything is fetched."""
    arm.confirm_config({}, 0)
    for name, distribution in arm.ranges.items():
        for value in ends(distribution):
            arm.search_config({name: value}, 0)


def _check_distinct(arms: Sequence[Arm]) -> None:
    """Refuse two arms that begin with the same trial: one recipe can't be compared with itself."""
    first: dict[TrialConfig, str] = {}
    for arm in arms:
        if arm.is_baseline:
            continue
        guess = arm.guesses[0] if arm.guesses else {}
        config = arm.search_config(guess, 0)
        if config in first:
            raise UserError(
                f"compare: {first[config]} and {arm.label} begin with the same configuration, so "
                "they can't be told apart; valid: arms that differ in what they name, each named once"
            )
        first[config] = arm.label


def _arm(
    label: str, slug: str, values: dict[str, Any], space: Space, profile: Profile, request: Request
) -> Arm:
    method = METHODS[values["method"]]
    own = profile.scale_of(method).ranges if method.is_trained else {}
    known = {**own, **{name: r for name, r in space.ranges.items() if method.takes(name)}}
    ranges = {name: known[name] for name in space.search if name in known and name not in request.settings}
    # What is searched without a value in the profile stands at its range's first value.
    values = {**{name: ends(distribution)[0] for name, distribution in ranges.items()}, **values}
    trials = request.trials or profile.search_trials
    seeds = profile.confirm_seeds if request.confirm_seeds is None else request.confirm_seeds
    planned = request.looks[-1] if request.looks else request.replicates or profile.replicates
    return Arm(
        label=label,
        slug=slug,
        factors=_factors(values),
        values=values,
        ranges=ranges,
        guesses=_guesses(values, ranges, space),
        # No configuration is tried twice: of a small space (or of none) there may be fewer than asked for.
        search_trials=int(min(trials, _configurations(ranges))) if method.is_trained else 0,
        replicates=request.replicates_of.get(label, planned) if method.is_trained else 1,
        confirm_seeds=seeds if method.is_trained else 1,
        seed=request.seed,
    )


def _factors(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an arm's factors; those that came later only where they are set, as old studies have theirs."""
    return {name: values.get(name) for name in FACTORS if name in values or name not in LATER_FACTORS}


def _configurations(ranges: Mapping[str, BaseDistribution]) -> float:
    """Return how many configurations a search can try: infinity where a range is continuous."""
    return math.prod(map(count_values, ranges.values()))


def _guesses(
    values: Mapping[str, Any], ranges: Mapping[str, BaseDistribution], space: Space
) -> tuple[Mapping[str, Any], ...]:
    """Return what an arm's search tries first: the profile's own values, then the points of the space."""
    own = {name: value for name, value in keep(values, ranges).items() if contains(ranges[name], value)}
    points = []
    for point in space.points_to_evaluate:
        for name, value in point.items():
            if name not in space.search:
                raise unknown_name("searched hyperparameter in points_to_evaluate", name, space.search)
            if name in ranges and not contains(ranges[name], value):
                raise UserError(f"points_to_evaluate: {name} must lie in {ranges[name]}, received {value!r}")
        points.append(keep(point, ranges))
    return tuple(distinct([guess for guess in (own, *points) if guess]))
