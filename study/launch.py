"""Carrying a plan out: the results folder, the machine's slots, the trials, and the closing lines."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from study.access_token import token_path
from study.binding import workplace_of
from study.command_line import say
from study.config import TRAINED_METHODS
from study.disk import DiskPlan
from study.display import Display, Progress, show_seconds
from study.errors import UserError
from study.leftovers import remove_leftovers
from study.optuna_record import OptunaRecord
from study.plan import Plan, Request
from study.results import ResultsFolder
from study.room import Gate, when_there_is_room
from study.schema import SCHEMA_VERSION
from study.search import HOPELESS_FAILURES, Assignment, StudySearch
from study.slots import Slots
from study.sources import Source
from study.watching import Watching
from study.workplace import available_cpus

# What the search, the display and the record of the search ask of a finished trial.
RESUMED_COLUMNS = (
    ("arm", "method", "stage", "status", "reason", "search_number", "search_score", "rung_losses")
    + ("accuracy", "train_steps", "planned_steps", "busy_seconds", "log", "config_json")
)  # fmt: skip
# What a study must find as it left it: name -> configuration value.
_FINGERPRINTS = {
    "model": "model_fingerprint",
    "data": "data_fingerprint",
    "code data": "code_fingerprint",
}


def new_study_name(space: str) -> str:
    """Return the name of a new study: its space and the time."""
    return f"{Path(space).stem}-{datetime.now():%Y%m%d-%H%M%S}"


def describe_study(name: str, plan: Plan, slots: int, width: int, max_disk: float | None) -> dict[str, Any]:
    """Return study.json: enough to run the study again, and to read its results."""
    from study.machine import describe_versions, processor_name, source_commit

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
        "arms": [
            {
                "label": arm.label,
                "slug": arm.slug,
                "factors": dict(arm.factors),
                "values": dict(arm.values),
                "ranges": {name: str(dist) for name, dist in arm.ranges.items()},
                "search_trials": arm.search_trials,
                "confirm_seeds": list(arm.confirm_seeds),
            }
            for arm in plan.arms
        ],
        "models": [_describe_source(model) for model in plan.models.values()],
        "data": _describe_source(plan.data),
        "code_data": _describe_source(plan.code_data),
        "notes": list(plan.notes),
        "machine": {"processor": processor_name(), "cpus": available_cpus()},
        "versions": describe_versions(),
        "commit": source_commit(),
        "arguments": sys.argv[1:],
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished_at": None,
        "busy_share": None,
    }


def notes(plan: Plan, slots: Slots) -> list[str]:
    """Return what the user has to know of this machine before the study runs, a line each."""
    from study.similarity import SimilarityUnavailable, find_weights

    found = []
    if not slots.gpus and any(arm.values["method"] == "qlora" for arm in plan.arms):
        found.append("QLoRA runs on a CPU here: with plain AdamW, for there is no paged one")
    try:
        find_weights()
    except SimilarityUnavailable as error:
        found.append(f"similarity will not be measured: {error}")
    return found


def run_study(
    plan: Plan,
    folder: ResultsFolder,
    description: Mapping[str, Any],
    slots: Slots,
    disk: DiskPlan,
    console: Console,
    finished: Mapping[str, Mapping[str, Any]],
    watching: Watching,
    *,
    on_cluster: bool = False,
) -> None:
    """Run what a bound plan has left to run in `folder`, and say at the end how it went.

    Args:
        finished: what need not run again, see `read_finished`.
        on_cluster: run on the cluster that is connected to, and not on a Ray of its own on this machine.

    Raises:
        KeyboardInterrupt: the user stopped it; what had finished is in the folder.
    """
    from study.local_ray import local_ray
    from study.ray_metrics import StudyMetrics
    from study.tracking import tracked
    from study.tuning import Observer, run_trials
    from study.worker import Job

    started = time.monotonic()
    progress = Progress(plan, slots.count)
    remove_leftovers(folder)
    records: list[Observer] = [OptunaRecord(folder.optuna_path)]

    def reuse(assignment: Assignment, row: Mapping[str, Any]) -> None:
        progress.reuse(assignment, row)
        for record in records:
            record.finished(assignment, row)

    room = disk.room(folder.root.absolute())
    options = {"use_gpu": slots.gpus > 0, "checkpoint_share": disk.share, "room": room}
    workplaces = {name: workplace_of(plan, name, **options) for name in plan.models}
    about = {"study": description["study"], "space": plan.request.space, "profile": plan.profile.name}
    job = Job(workplaces, folder.address, about)
    tracking = folder.root / "tracking"
    folder.fetch(tracking)
    ours = local_ray(slots, about, dashboard=watching.dashboard)
    running: AbstractContextManager[str | None] = nullcontext() if on_cluster else ours
    try:
        with running as dashboard:
            if dashboard is not None:
                token = token_path() or "the variable RAY_AUTH_TOKEN"
                say(console, f"Dashboard: http://{dashboard} (it asks for a token: the one in {token})")
            metrics = StudyMetrics(description["study"], slots.count)
            records.append(metrics)
            following = tracked(watching.trackers, folder, description["study"])
            with metrics, following as trackers, Display(progress, console) as display:
                gate = Gate(room, display.pause)

                def go_on() -> StudySearch:
                    known = read_finished(folder) if progress.ended else finished
                    progress.running.clear()
                    search = StudySearch(plan, description["search_width"], known, on_reuse=reuse)
                    run_trials(search, job, slots, [display, *records, *trackers], gate)
                    return search

                # Ray and Tune don't survive a disk that is full to the last byte where their own files lie.
                search = when_there_is_room(go_on, room, on_wait=gate.close)
    finally:
        folder.publish(folder.optuna_path)
        folder.publish(tracking)
    if search.hopeless is not None:
        log = folder.place_of(folder.log_path(search.hopeless["trial"]))
        console.print(
            f"Stopped: {HOPELESS_FAILURES} trials failed and none that trains finished. The last: "
            f"{search.hopeless['reason']} (log: {log}). "
            f"When it is mended, go on with: python -m study.run --resume {folder}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    wall = time.monotonic() - started
    share = progress.busy_share(wall)
    finished_at = datetime.now(UTC).isoformat(timespec="seconds")
    ended = {**description, "finished_at": finished_at, "busy_share": share}
    when_there_is_room(lambda: folder.write_description(ended))
    console.print(
        f"{progress.ended} trials in {show_seconds(wall)}; "
        f"the {slots.count} slots trained or evaluated {share:.0%} of the time",
        highlight=False,
    )


def read_finished(folder: ResultsFolder) -> dict[str, Mapping[str, Any]]:
    """Return the rows that a resumed study need not run again, by trial, with the columns that it goes by.

    Failed trials are among them, unless no training finished at all: then they are tried again, for
    whatever stopped the study is taken to be mended.
    """
    rows = folder.read_trials(RESUMED_COLUMNS)
    trained = any(row["method"] in TRAINED_METHODS and row["status"] == "complete" for row in rows)
    return {row["trial"]: row for row in rows if trained or row["status"] != "failed"}


def request_of(description: Mapping[str, Any]) -> Request:
    """Return the request that a study was started with.

    Raises:
        UserError: study.json was written by another version.
    """
    version = description.get("schema_version") if isinstance(description, Mapping) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            f"the study was made by a newer version of the project (its schema is {version}, "
            f"this version reads up to {SCHEMA_VERSION}); go on with that one"
        )
    try:
        return Request(**description["request"])
    except (KeyError, TypeError):
        raise UserError(
            "this study.json was written by another version of the study; it can't be resumed"
        ) from None


def check_unchanged(plan: Plan, description: Mapping[str, Any]) -> None:
    """Check that the model and the data are those with which the study began.

    Raises:
        UserError: one of them has changed.
    """
    then = {arm["label"]: arm["values"] for arm in description["arms"]}
    for arm in plan.arms:
        for kind, name in _FINGERPRINTS.items():
            if then.get(arm.label, {}).get(name) != arm.values.get(name):
                raise UserError(f"the {kind} has changed since this study began, so it can't be resumed")


def _describe_source(source: Source | None) -> dict[str, str | None] | None:
    if source is None:
        return None
    return {"name": source.name, "path": str(source.path), "revision": source.revision}
