"""A study that goes on from its results folder, as it was or with more replicates."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from study.command_line import say
from study.engine.slots import Slots
from study.errors import UserError
from study.plan.binding import find_sources
from study.plan.making import make_plan
from study.plan.plan import Plan
from study.protocol.description import (
    check_same_arms,
    check_same_protocol,
    check_same_sources,
    request_of,
    where_it_began,
)
from study.protocol.extension import Extension, extend
from study.results.finished import read_finished
from study.results.folder import ResultsFolder
from study.results.kept_folders import check_folders
from study.results.object_store import whole_place
from study.starting.options import check_resume_options
from study.starting.place import check_nodes_of, max_disk_of, slots_of
from study.starting.runtime import Runtime, runtime_of

if TYPE_CHECKING:
    from study.cost.preflight import Preflight

Row = Mapping[str, Any]


def resume(options: argparse.Namespace, console: Console) -> int:
    """Go on with a study, or say what is left of it; return the exit status.

    Raises:
        UserError: it can't go on, or not like this; nothing has been written.
    """
    check_resume_options(options)
    folder = ResultsFolder(whole_place(options.resume))
    check_folders(folder)
    with where_it_began(folder.read_description()):
        stopped = _read(options, folder)
        if options.dry_run:
            cost = stopped.with_sources().preflight(Runtime(stopped.slots), read_finished(folder))
            cost.show(folder.root, console)
            console.print("Nothing was run.")
            return 0
        with runtime_of(options, stopped.plan.request, stopped.slots, console) as runtime:
            stopped = stopped.with_sources()
            check_nodes_of(options, folder, stopped.plan)
            with folder.in_use():
                return _go_on(options, stopped, runtime, console)


@dataclass(frozen=True)
class _Stopped:
    """A study that may go on.

    Attributes:
        folder: its results folder.
        description, plan: its study.json and its plan, extended if the options say so; see `with_sources`.
        is_extended: whether they do.
        slots: what it gets of the machines.
        max_disk: the most bytes that its folder may take up, if there is a limit.
    """

    folder: ResultsFolder
    description: dict[str, Any]
    is_extended: bool
    plan: Plan
    slots: Slots
    max_disk: float | None

    def with_sources(self) -> _Stopped:
        """Return it with its models and data found.

        Raises:
            UserError: they can't be used, or are not what the study began with.
        """
        plan = find_sources(self.plan)
        check_same_sources(plan, self.description)
        check_same_arms(plan, self.description)
        return dataclasses.replace(self, plan=plan)

    def preflight(self, runtime: Runtime, finished: Mapping[str, Row]) -> Preflight:
        """Return what is left to pay; see `study.cost.preflight.preflight`."""
        from study.cost.preflight import preflight

        # At an address no studies beside this one are looked at.
        beside = None if self.folder.is_remote else self.folder.root.absolute().parent
        done = [{name: row[name] for name in ("arm", "stage")} for row in finished.values()]
        return runtime.call(
            preflight, self.plan, runtime.slots, self.folder.root, self.max_disk, done, beside
        )


def _read(options: argparse.Namespace, folder: ResultsFolder) -> _Stopped:
    description, is_extended = _description_to_go_on(options, folder)  # which may refuse: torch can wait
    plan = make_plan(request_of(description))
    slots = slots_of(options, plan)
    max_disk = max_disk_of(options, description.get("max_disk"))
    return _Stopped(folder, description, is_extended, plan, slots, max_disk)


def _go_on(options: argparse.Namespace, stopped: _Stopped, runtime: Runtime, console: Console) -> int:
    from study.engine.launch import StudyRun
    from study.starting.course import run_to_its_end

    plan, folder = stopped.plan, stopped.folder
    # Another run may have ended since it was read.
    description, _ = _description_to_go_on(options, folder)
    if description["arms"] != stopped.description["arms"]:
        raise UserError(f"the study in '{folder}' was extended just now; start again")
    what = "Extending" if stopped.is_extended else "Going on with"
    say(console, f"{what} {description['study']}: {plan.space.question}")
    finished = read_finished(folder)
    cost = stopped.preflight(runtime, finished)
    cost.show(folder.root, console)
    if stopped.is_extended:
        folder.write_description(description)
    plan = dataclasses.replace(plan, notes=(*plan.notes, *cost.notes))
    study = StudyRun(
        plan,
        folder,
        description,
        runtime.slots,
        cost.disk,
        runtime.watching,
        cost.trial_seconds,
        finished,
        runtime.ray,
    )
    return run_to_its_end(study, console)


def _description_to_go_on(options: argparse.Namespace, folder: ResultsFolder) -> tuple[dict[str, Any], bool]:
    """Return study.json, extended if the options say so, and whether they do."""
    description = folder.read_description()
    request_of(description)
    check_same_protocol(description)
    more = _extension(options)
    if more is None:
        return description, False
    return extend(description, more, len(folder.trial_ids())), True


def _extension(options: argparse.Namespace) -> Extension | None:
    """Return what the options add to a study, if they do."""
    if options.trials is not None:
        raise UserError(
            "--resume can't change --trials: more trials a search would be another protocol, whose results "
            "can't stand beside those at hand; --replicates N adds whole searches"
        )
    if options.replicates is None and options.confirm_seeds is None:
        if options.arms is not None:
            raise UserError("--arms goes with --replicates N: these arms get so many in all")
        return None
    labels = [label.strip() for label in (options.arms or "").split(",") if label.strip()]
    if options.arms is not None and not labels:
        raise UserError(f"--arms names arms, with commas between them, received '{options.arms}'")
    return Extension(options.replicates, options.confirm_seeds, labels)
