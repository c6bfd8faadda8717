"""Binding a plan to its models and data: found, read, checked, and named by their content."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.config import FLOOR_METHODS
from study.data import TEST_SHARE, fingerprint, load_code, load_split
from study.labels import name_apart
from study.plan import Arm, Plan
from study.sources import Source, find_code_data, find_data, find_model, fingerprint_folder
from study.space import ends
from study.without_program import describe_missing
from study.workplace import Workplace

if TYPE_CHECKING:
    from study.model_check import Use


def bind(plan: Plan) -> Plan:
    """Return the plan with its models and data found, read and checked, and their fingerprints in its arms.

    Raises:
        UserError: a model or the data can't be used.
    """
    # Imported late: the first line of a study does not wait for torch.
    from study.model_check import check_model

    data = find_data(plan.request.data or plan.profile.data)
    variants, notes = _read_variants(plan, data.path)
    code = _code_source(plan)
    code_rows = load_code(code.path, skip_bad_rows=plan.request.skip_bad_rows) if code else None
    models = _find_models(plan)
    for name, model in models.items():
        notes += check_model(model, _use(plan, name))
    prints = {name: model.revision or fingerprint_folder(model.path) for name, model in models.items()}

    def bound(arm: Arm) -> Arm:
        values: dict[str, Any] = {
            "model": models[arm.values["model"]].name,
            "model_fingerprint": prints[arm.values["model"]],
            "data": data.name,
            "data_fingerprint": variants[arm.values["variant"]],
        }
        if "code_data" in arm.values:
            assert code is not None
            assert code_rows is not None
            values |= {"code_data": code.name, "code_fingerprint": fingerprint(code_rows)}
        factors = {**arm.factors, "model": values["model"]}
        return dataclasses.replace(arm, values={**arm.values, **values}, factors=factors)

    return dataclasses.replace(
        plan,
        arms=tuple(bound(arm) for arm in plan.arms),
        models={model.name: model for model in models.values()},
        data=data,
        code_data=code,
        notes=(*notes, *(_skipped_note("the code data", code_rows.skipped) if code_rows else ())),
    )


def workplace_of(plan: Plan, model: str, **options: Any) -> Workplace:
    """Return the workplace of a bound plan's trials on the model called `model`."""
    assert plan.data is not None
    return Workplace(
        plan.models[model],
        plan.data,
        code_data=plan.code_data,
        columns=plan.request.columns,
        skip_bad_rows=plan.request.skip_bad_rows,
        **options,
    )


def _read_variants(plan: Plan, path: Path) -> tuple[Mapping[str, str], list[str]]:
    """Return (variant -> fingerprint of its rows, notes)."""
    prints: dict[str, str] = {}
    notes: list[str] = []
    for variant in dict.fromkeys(arm.values["variant"] for arm in plan.arms):
        splits = [
            load_split(
                path,
                variant,
                split,
                columns=plan.request.columns,
                skip_bad_rows=plan.request.skip_bad_rows,
            )
            for split in ("train", "test")
        ]
        prints[variant] = fingerprint(*splits)
        notes += _skipped_note(f"the {variant} data", sum(split.skipped for split in splits))
        own = [arm.values for arm in plan.arms if arm.values["variant"] == variant]
        if any(values["prompt_style"] == "python_code" for values in own):
            missing = describe_missing(variant, *(split.problems for split in splits))
            notes += [missing] if missing else []
        if any(split.held_out for split in splits):
            notes.append(
                f"the {variant} data has no test split: {TEST_SHARE:.0%} of its questions are held out"
            )
    return prints, notes


def _skipped_note(what: str, rows: int) -> list[str]:
    return [f"{rows} rows of {what} can't be used and are left out"] if rows else []


def _code_source(plan: Plan) -> Source | None:
    names = {arm.values["code_data"] for arm in plan.arms if "code_data" in arm.values}
    return find_code_data(names.pop()) if names else None


def _find_models(plan: Plan) -> dict[str, Source]:
    """Return how the plan names a model -> where it was found, each under a name of its own."""
    asked = {arm.values["model"]: None for arm in plan.arms if arm.values["method"] not in FLOOR_METHODS}
    # A floor has no model, but its limits are in tokens of one: that of an arm, or the profile's.
    others = {arm.values["model"]: None for arm in plan.arms if arm.values["model"] not in asked}
    found = {name: find_model(name) for name in asked}
    by_path = {source.path: name for name, source in found.items()}
    beside = {name: find_model(name) for name in others}
    named = name_apart(found | {n: s for n, s in beside.items() if s.path not in by_path})
    return named | {n: named[by_path[s.path]] for n, s in beside.items() if s.path in by_path}


def _use(plan: Plan, model: str) -> Use:
    """Return what the trials on `model` may do with it."""
    from study.model_check import Use

    arms = [
        arm for arm in plan.arms if arm.values["model"] == model and arm.values["method"] not in FLOOR_METHODS
    ]

    def values(name: str) -> set[Any]:
        found = {value for arm in arms for value in _values(arm, name)}
        return found - {None}

    return Use(
        methods=frozenset(values("method")),
        target_modules=frozenset(values("target_modules")),
        source_tokens=max(values("max_source_tokens"), default=8),
        target_tokens=max(values("max_target_tokens"), default=8),
    )


def _values(arm: Arm, name: str) -> tuple[Any, ...]:
    """Return the values that an arm's trials may have of a setting: its own, and its range's ends."""
    own = getattr(arm.confirm_config({}, 0), name)
    return (own, *ends(arm.ranges[name])) if name in arm.ranges else (own,)
