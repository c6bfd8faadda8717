"""study.json: what a study is, enough to run it again and to read its results; and whether it can go on."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import distribution_to_json
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from study.errors import UserError
from study.plan.arms import Arm
from study.plan.plan import Plan
from study.plan.request import Request
from study.protocol.looks import describe_looks
from study.results.schema import SCHEMA_VERSION
from study.sources.finding import Source
from study.tasks import Aggregate, Score
from study.workplace import available_cpus

# What a study must find as it left it: name -> configuration value.
_FINGERPRINTS = {
    "model": "model_fingerprint",
    "task's file": "task_fingerprint",
    "data": "data_fingerprint",
    "code data": "code_fingerprint",
}
_OTHER_VERSION = "this study.json was written by another version of the study; it can't be"


class _NamedArm(BaseModel):
    """What of an arm in study.json an export goes by; those of earlier versions have it too."""

    model_config = ConfigDict(strict=True)

    label: str
    slug: str
    search_trials: int


class _NamedArms(BaseModel):
    """What of study.json an export goes by."""

    study: str
    space: dict[str, Any]
    arms: list[_NamedArm]


class _ArmShape(_NamedArm):
    """What of an arm in study.json a resume goes by."""

    factors: dict[str, Any]
    values: dict[str, Any]
    ranges: dict[str, Any]
    replicates: int
    confirm_seeds: int


class _Shape(BaseModel):
    """What of study.json a resume goes by."""

    model_config = ConfigDict(strict=True)

    study: str
    arms: list[_ArmShape] = Field(min_length=1)
    search_width: int
    max_disk: float | None = None
    arguments: list[str] = []
    looks: dict[str, list[float]] | None
    looks_taken: list[dict[str, Any]]
    extensions: list[dict[str, Any]]


def describe_study(name: str, plan: Plan, slots: int, width: int, max_disk: float | None) -> dict[str, Any]:
    """Return study.json: enough to run the study again, and to read its results."""
    from study.machine.hardware import describe_versions, processor_name, source_commit

    return {
        "schema_version": SCHEMA_VERSION,
        "study": name,
        "space": {"name": plan.request.space, "question": plan.space.question},
        "profile": plan.profile.name,
        "request": dataclasses.asdict(plan.request),
        "seed": plan.request.seed,
        "search_width": width,
        "slots": slots,
        "max_disk": max_disk,
        "compared": plan.space.compared,
        "task": describe_task(plan),
        "arms": [describe_arm(arm) for arm in plan.arms],
        "looks": describe_looks(plan),
        "looks_taken": [],
        "extensions": [],
        "models": [_describe_source(model) for model in plan.models.values()],
        "data": _describe_source(plan.data),
        "code_data": _describe_source(plan.code_data),
        "notes": list(plan.notes),
        "machine": {"processor": processor_name(), "cpus": available_cpus()},
        "versions": describe_versions(),
        "commit": source_commit(),
        "directory": os.getcwd(),
        "arguments": sys.argv[1:],
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished_at": None,
        "busy_share": None,
    }


def describe_task(plan: Plan) -> dict[str, Any]:
    """Return what study.json says of the task: what reading its results asks for."""
    found, task = plan.task, plan.task.task
    return {
        "name": found.name,
        "fingerprint": found.fingerprint,
        "description": task.description,
        "primary": plan.primary.name,
        "comparison": task.comparison,
        "is_labels": task.is_labels,
        "labels": list(plan.labels) if task.is_labels else None,
        "scores": [_describe_score(score) for score in task.scores],
    }


def _describe_score(score: Score) -> dict[str, Any]:
    return {
        "name": score.name,
        "label": score.shown,
        "column": score.column or score.name,
        "description": score.description,
        "kind": score.kind,
        "unit": "%" if score.kind == "share" else score.unit,
        "low": score.low,
        "high": score.high,
        "lower_is_better": score.lower_is_better,
        "is_aggregate": isinstance(score.of, Aggregate),
    }


def describe_arm(arm: Arm) -> dict[str, Any]:
    """Return an arm as study.json has it."""
    described = {
        "label": arm.label,
        "slug": arm.slug,
        "factors": dict(arm.factors),
        "values": dict(arm.values),
        "ranges": {name: json.loads(distribution_to_json(dist)) for name, dist in arm.ranges.items()},
        "guesses": [dict(guess) for guess in arm.guesses],
        "replicates": arm.replicates,
        "search_trials": arm.search_trials,
        "confirm_seeds": arm.confirm_seeds,
    }
    same: dict[str, Any] = json.loads(json.dumps(described))  # as it is read again
    return same


@contextmanager
def where_it_began(description: Mapping[str, Any]) -> Iterator[None]:
    """Run the block in the folder that a study was started in: its request may name paths relative to it."""
    directory = description.get("directory")
    if not (isinstance(directory, str) and os.path.isdir(directory) and os.access(directory, os.X_OK)):
        yield  # on another machine, or from before this was recorded
        return
    with chdir(directory):
        yield


def check_version(description: Mapping[str, Any], use: str = "resumed") -> None:
    """Check that a study was made by this version of the project or an earlier one.

    Raises:
        UserError: it was not.
    """
    version = description.get("schema_version")
    if not isinstance(version, int):
        raise UserError(f"{_OTHER_VERSION} {use}")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"the study was made by a newer version of the project (its schema is {version}, "
            f"this version reads up to {SCHEMA_VERSION}); go on with that one"
        )


def request_of(description: Mapping[str, Any]) -> Request:
    """Return the request that a study was started with.

    Raises:
        UserError: study.json was written by another version.
    """
    check_version(description)
    try:
        Request(**description["request"])  # which knows no other names
        request: Request = TypeAdapter(Request).validate_python(description["request"])
    except (KeyError, TypeError, ValueError, RecursionError):  # pydantic's is a ValueError
        raise UserError(f"{_OTHER_VERSION} resumed") from None
    return request


def check_same_sources(plan: Plan, description: Mapping[str, Any]) -> None:
    """Check that the model and the data are those with which the study began.

    Raises:
        UserError: one of them has changed.
    """
    then = {arm["label"]: arm["values"] for arm in description["arms"]}
    for arm in plan.arms:
        for kind, name in _FINGERPRINTS.items():
            if then.get(arm.label, {}).get(name) != arm.values.get(name):
                raise UserError(f"the {kind} has changed since this study began, so it can't be resumed")


def check_same_protocol(description: Mapping[str, Any]) -> None:
    """Check that a study was begun under the protocol of this version, and is described as it is now.

    Raises:
        UserError: it is one search with several confirm seeds, whose seeds were chosen otherwise; or
            something is missing in its description, or of another kind.
    """
    if description.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            "this study was begun under an earlier protocol (one search, then several seeds), so it can't go "
            "on; its results can still be read: python -m analysis.report RESULTS -o report.html"
        )
    _check_shape(_Shape, description, "resumed")


def check_exportable(description: Mapping[str, Any]) -> None:
    """Check that study.json tells what an export of a model goes by, whatever version wrote it up to this.

    Raises:
        UserError: something is missing, or of another kind; it is named.
    """
    check_version(description, "exported")
    _check_shape(_NamedArms, description, "exported")


def _check_shape(shape: type[_NamedArms] | type[_Shape], description: Mapping[str, Any], use: str) -> None:
    try:
        found = shape.model_validate(description)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{_OTHER_VERSION} {use} ({where}: {first['msg'].lower()})") from None
    labels = [arm.label for arm in found.arms]
    if len(set(labels)) < len(labels):
        raise UserError(f"{_OTHER_VERSION} {use} (arms: two of one label)")


def check_same_arms(plan: Plan, description: Mapping[str, Any]) -> None:
    """Check that a study would go on with the trials with which it began.

    Raises:
        UserError: an arm has changed.
    """
    then = {arm["label"]: arm for arm in description["arms"]}
    for arm in plan.arms:
        old, new = then.get(arm.label, {}), describe_arm(arm)
        if changed := [name for name in new if old.get(name) != new[name]]:
            raise UserError(
                f"the search space, or a default of the project, has changed since this study began (arm "
                f"'{arm.label}': {', '.join(changed)}), so it can't be resumed"
            )


def _describe_source(source: Source | None) -> dict[str, str | None] | None:
    if source is None:
        return None
    return {"name": source.name, "path": str(source.path), "revision": source.revision}
