"""Binding a plan to its models and data: found, read, checked, and named by their content."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from study import embedded
from study.data.labels import describe_labels, labels_of
from study.data.loading import DataSet, Split, describe_skipped, fingerprint, load_code
from study.data.missing_programs import check_programs, describe_missing
from study.data.store import keep_problems, read_data
from study.machine.interruption import check
from study.models.templates import has_chat_template
from study.plan.arms import Arm
from study.plan.labels import name_apart
from study.plan.plan import Plan
from study.sources.finding import Source, find_code_data, find_data, find_model, fingerprint_folder
from study.space import ends
from study.workplace import Workplace

if TYPE_CHECKING:
    from study.models.check import Use


def bind(plan: Plan) -> Plan:
    """Return the plan with its models and data found, read and checked, and their fingerprints in its arms.

    Raises:
        UserError: a model or the data can't be used.
    """
    plan = find_sources(plan)
    return dataclasses.replace(plan, notes=(*plan.notes, *check_models(plan)))


def check_models(plan: Plan) -> list[str]:
    """Return what the user has to know of the models of a plan whose sources are found; it needs torch.

    Raises:
        UserError: a model can't be used.
    """
    from study.models.check import check_model

    notes = []
    for name, model in plan.models.items():
        check()  # a signal waits while libraries are imported
        notes += check_model(model, _use(plan, name))
    return notes


def find_sources(plan: Plan) -> Plan:
    """Return the plan bound to its models and data: all of `bind` but the look into the models.

    Raises:
        UserError: a model is not found, or the data can't be used.
    """
    data = find_data(plan.request.data or plan.profile.data)
    # What is read is kept in the cache and let go, before the libraries take up their memory.
    prints_of_data, labels, notes = _read_variants(plan, data)
    code = _code_source(plan)
    code_print, notes_on_code = _read_code(code, skip_bad_rows=plan.request.skip_bad_rows)
    models = _find_models(plan)
    check()
    prints = {name: model.revision or fingerprint_folder(model.path) for name, model in models.items()}

    # Rows go through a model's chat template where it has one, unless the user says otherwise.
    chats = {name for name, model in models.items() if has_chat_template(model.path)}
    chats = chats if plan.request.template == "auto" else set()

    def bound(arm: Arm) -> Arm:
        values: dict[str, Any] = {
            "model": models[arm.values["model"]].name,
            "model_fingerprint": prints[arm.values["model"]],
            "data": data.name,
            "data_fingerprint": prints_of_data[arm.values["variant"]],
        }
        if arm.values["model"] in chats and not arm.method.is_floor:
            values["template"] = arm.values.get("template", "chat")
        if "code_data" in arm.values:
            assert code is not None
            values |= {"code_data": code.name, "code_fingerprint": code_print}
        factors = {**arm.factors, "model": values["model"]}
        return dataclasses.replace(arm, values={**arm.values, **values}, factors=factors)

    return dataclasses.replace(
        plan,
        arms=tuple(bound(arm) for arm in plan.arms),
        models={model.name: model for model in models.values()},
        data=data,
        code_data=code,
        labels=labels,
        notes=(*plan.notes, *notes, *notes_on_code),
    )


def workplace_of(plan: Plan, model: str, **options: Any) -> Workplace:
    """Return the workplace of a bound plan's trials on the model called `model`."""
    assert plan.data is not None
    return _workplace(plan, plan.models[model], plan.data, code_data=plan.code_data, **options)


def _workplace(plan: Plan, model: Source, data: Source, **options: Any) -> Workplace:
    request = plan.request
    return Workplace(
        model,
        data,
        task=plan.task,
        columns=request.columns,
        skip_bad_rows=request.skip_bad_rows,
        keep_leaks=request.keep_leaks,
        **options,
    )


def _read_variants(plan: Plan, source: Source) -> tuple[Mapping[str, str], tuple[str, ...], list[str]]:
    """Read the data, and keep them in the cache; return (variant -> its fingerprint, labels, notes)."""
    place = _workplace(plan, source, source)  # no model is asked
    prints: dict[str, str] = {}
    notes: dict[str, None] = {}
    labels: tuple[str, ...] = ()
    for variant in dict.fromkeys(arm.values["variant"] for arm in plan.arms):
        data = read_data(place, variant)
        prints[variant] = fingerprint(*data.splits)
        own = [arm for arm in plan.arms if arm.values["variant"] == variant]
        notes |= dict.fromkeys((*data.notes, *_notes_on_use(data, variant, own)))
        if source.path != embedded.DATA_DIR:
            notes |= dict.fromkeys(_notes_on_limits(data, variant, own))
        if plan.task.task.is_labels:
            labels = labels_of(data)
            notes |= dict.fromkeys(describe_labels(data, plan.task.name))
        keep_problems(data, prints[variant], variant, place)
    return prints, labels, [*notes]


def _read_code(code: Source | None, *, skip_bad_rows: bool) -> tuple[str | None, list[str]]:
    """Return (fingerprint of the code data, notes), or (None, none) where no arm trains on any."""
    if code is None:
        return None, []
    rows = load_code(code.path, skip_bad_rows=skip_bad_rows)
    return fingerprint(rows), [*_notes_on_code(rows)]


def _notes_on_use(data: DataSet, variant: str, arms: Sequence[Arm]) -> Iterator[str]:
    """Yield what is to be said of what a variant's arms make of its data.

    Raises:
        UserError: an arm can't train on them.
    """
    values = [arm.values for arm in arms]
    if data.validation is not None:
        questions, most = len(data.validation.problems), max(own["validation_questions"] for own in values)
        drawn = (
            f"each replicate draws {most:,} of them" if most < questions else "the same for every replicate"
        )
        yield f"the {variant} data has a validation split of its own, {questions:,} questions: {drawn}"
    programmers = [arm for arm in arms if arm.values["prompt_style"] == "python_code"]
    if programmers:
        configs = [arm.confirm_config({}, number) for arm in programmers for number in range(arm.replicates)]
        check_programs(data, variant, {(c.validation_questions, c.split_seed) for c in configs})
        missing = describe_missing(variant, data.train.problems, data.test.problems)
        yield from [missing] if missing else []


def _notes_on_limits(data: DataSet, variant: str, arms: Sequence[Arm]) -> Iterator[str]:
    """Yield that test questions are drawn, where a limit leaves some out."""
    limits = {arm.values["test_questions"] for arm in arms if arm.values.get("test_questions")}
    tested = len(data.test.problems)
    if limits and min(limits) < tested:
        yield f"the {variant} data: {min(limits):,} of {tested:,} test questions are drawn, the same for all"


def _notes_on_code(rows: Split) -> Iterator[str]:
    yield from rows.notes
    if rows.skipped:
        yield describe_skipped("the code data", rows.skipped)


def _code_source(plan: Plan) -> Source | None:
    names = {arm.values["code_data"] for arm in plan.arms if "code_data" in arm.values}
    return find_code_data(names.pop()) if names else None


def _find_models(plan: Plan) -> dict[str, Source]:
    """Return how the plan names a model -> where it was found, each under a name of its own."""
    asked = {arm.values["model"]: None for arm in plan.arms if not arm.method.is_floor}
    # A floor has no model, but its limits are in tokens of one: that of an arm, or the profile's.
    others = {arm.values["model"]: None for arm in plan.arms if arm.values["model"] not in asked}
    found = {name: find_model(name) for name in asked}
    by_path = {source.path: name for name, source in found.items()}
    beside = {name: find_model(name) for name in others}
    named = name_apart(found | {n: s for n, s in beside.items() if s.path not in by_path})
    return named | {n: named[by_path[s.path]] for n, s in beside.items() if s.path in by_path}


def _use(plan: Plan, model: str) -> Use:
    """Return what the trials on `model` may do with it."""
    from study.models.check import Use

    arms = [arm for arm in plan.arms if arm.values["model"] == model and not arm.method.is_floor]

    def values(name: str) -> set[Any]:
        found = {value for arm in arms for value in _values(arm, name)}
        return found - {None}

    return Use(
        has_chat="chat" in values("template"),
        systems=frozenset(values("system")),
        shots=max(values("shots"), default=0),
        methods=frozenset(values("method")),
        target_modules=frozenset(values("target_modules")),
        source_tokens=max(values("max_source_tokens"), default=8),
        target_tokens=max(values("max_target_tokens"), default=8),
    )


def _values(arm: Arm, name: str) -> tuple[Any, ...]:
    """Return the values that an arm's trials may have of a setting: its own, and its range's ends."""
    own = getattr(arm.confirm_config({}, 0), name)
    return (own, *ends(arm.ranges[name])) if name in arm.ranges else (own,)
