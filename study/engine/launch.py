"""Carrying a plan out: the results folder, the machine's slots, the trials, and the closing lines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution
from rich.console import Console

from study.command_line import left_aside, say
from study.engine.access_token import token_path
from study.engine.display import Display, Progress, show_seconds
from study.engine.slots import Slots
from study.engine.watching import Watching
from study.errors import StudyFailed
from study.machine.interruption import other_way_to_stop
from study.machine.launchers import describe
from study.machine.room import Gate, Room, when_there_is_room
from study.plan.binding import workplace_of
from study.plan.plan import Plan
from study.protocol.looks import Looks
from study.results.disk import DiskPlan
from study.results.finished import forget_unfinished, missing_parts, note_finished, read_finished
from study.results.folder import ResultsFolder
from study.results.leftovers import remove_leftovers
from study.results.score_columns import score_fields
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.search.optuna_record import OptunaRecord
from study.search.search import HOPELESS_FAILURES, StudySearch
from study.sizes import count_of
from study.space import distinct_choices
from study.winner.choosing import KeptModels

if TYPE_CHECKING:
    from study.engine.local_ray import LocalRay
    from study.engine.worker import Job


def repeated_choices(plan: Plan) -> list[str]:
    """Return a note for each range that names a value twice."""
    repeated = {
        name: len(distribution.choices) - len(distinct_choices(distribution))
        for arm in plan.arms
        for name, distribution in arm.ranges.items()
        if isinstance(distribution, CategoricalDistribution)
    }
    return [
        f"the choices of {name} name a value twice; each value is tried as one"
        for name, more in repeated.items()
        if more
    ]


def notes(plan: Plan, slots: Slots) -> list[str]:
    """Return what the user has to know of this machine before the study runs, a line each."""
    from study.trial.similarity import SimilarityUnavailable, find_weights

    found = [note for note in (other_way_to_stop(), left_aside and describe(left_aside)) if note]
    found += repeated_choices(plan)
    if not slots.gpus and any(arm.method.quantizes for arm in plan.arms):
        found.append("QLoRA runs on a CPU here: with plain AdamW, for there is no paged one")
    try:
        find_weights()
    except SimilarityUnavailable as error:
        found.append(f"similarity will not be measured: {error}")
    return found


@dataclass(frozen=True)
class StudyRun:
    """A study that is about to run, or to go on.

    Attributes:
        plan: what to run, bound to its sources (see `study.plan.binding.bind`).
        folder, description: its results folder, and what its study.json says.
        slots, disk: what of the machines each trial gets.
        watching: the dashboard and the trackers.
        trial_seconds: (arm, stage) -> seconds that a trial is expected to take.
        finished: what need not run again, see `read_finished`.
        ray: its own Ray on this machine, which may run already; None on the cluster that is connected to.
    """

    plan: Plan
    folder: ResultsFolder
    description: Mapping[str, Any]
    slots: Slots
    disk: DiskPlan
    watching: Watching
    trial_seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    finished: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ray: LocalRay | None = None

    @property
    def about(self) -> dict[str, str]:
        """The columns of every row that only the study knows."""
        request = self.plan.request
        return {
            "study": self.description["study"],
            "space": request.space,
            "profile": self.plan.profile.name,
        }


def run_study(study: StudyRun, console: Console) -> None:
    """Run what a study has left to run, and say at the end how it went.

    Raises:
        KeyboardInterrupt: the user stopped it; what had finished is in the folder.
        RayLost: Ray could not be started, or has died.
        StudyFailed: trials fail, and no training finishes.
    """
    started = time.monotonic()
    folder, tracking = study.folder, study.folder.root / "tracking"
    progress = Progress(study.plan, study.slots.count, study.trial_seconds)
    folder.create()  # of a study that goes on, somebody may have deleted a part
    folder.wait_for_store()
    when_there_is_room(lambda: folder.describe_columns(score_fields(study.plan.task.task)))
    for note in missing_parts(folder, study.finished):
        say(console, f"Note: {note}")
    forget_unfinished(folder, study.finished)
    note_finished(folder, study.finished)
    remove_leftovers(folder)
    folder.fetch(tracking)
    try:
        with _ray(study, console):
            search = _run_trials(study, progress, console)
    finally:
        folder.publish(folder.optuna_path)
        folder.publish(tracking)
    if search.hopeless is not None:
        raise StudyFailed(_why_hopeless(search.hopeless, folder))
    wall = time.monotonic() - started
    share = progress.busy_share(wall)
    finished_at = datetime.now(UTC).isoformat(timespec="seconds")
    ended = {**folder.read_description(), "finished_at": finished_at, "busy_share": share}
    when_there_is_room(lambda: folder.write_description(ended))
    folder.remove(folder.candidates_path)
    console.print(
        f"{count_of(progress.ended, 'trial')} in {show_seconds(wall)}; "
        f"{_the_slots(study.slots.count)} trained or evaluated {share:.0%} of the time",
        highlight=False,
    )
    if search.saved_by_looks:
        saved = f"The looks saved {search.saved_by_looks} of {study.plan.trials} trials."
        console.print(saved, highlight=False)


def _the_slots(count: int) -> str:
    return "the slot" if count == 1 else f"the {count} slots"


@contextmanager
def _ray(study: StudyRun, console: Console) -> Iterator[None]:
    """Run Ray on this machine for the length of the block, unless the study is on a cluster's."""
    if study.ray is None:
        from study.engine.cluster import dashboard_url

        if url := dashboard_url():
            say(
                console,
                f"Dashboard: http://{url} on the head (from your own machine: ray dashboard cluster.yaml)",
            )
        yield
        return
    with study.ray as url:
        if url is not None:
            token = token_path() or "the variable RAY_AUTH_TOKEN"
            say(console, f"Dashboard: http://{url} (it asks for a token: the one in {token})")
        yield


def _run_trials(study: StudyRun, progress: Progress, console: Console) -> StudySearch:
    """Run the trials on the Ray that runs, through every pause for a full disk; return the search."""
    from study.engine.ray_metrics import StudyMetrics
    from study.engine.tracking import tracked
    from study.engine.tuning import run_trials

    plan, folder, slots, name = study.plan, study.folder, study.slots, study.description["study"]
    room = study.disk.room(folder.root.absolute())
    job = _job(study, room)
    metrics = StudyMetrics(name, slots.count, study.plan.primary)
    records: list[Observer] = [OptunaRecord(folder.optuna_path), metrics]

    looks = Looks(folder, console)
    following = tracked(study.watching.trackers, folder, name)
    with metrics, following as trackers, Display(progress, console) as display:
        gate = Gate(room, display.pause)

        def go_on() -> StudySearch:
            known = study.finished
            if progress.ended:
                known = read_finished(folder)
                forget_unfinished(folder, known)
            progress.running.clear()
            kept = KeptModels(folder, plan, known)

            def reuse(assignment: Assignment, row: Mapping[str, Any]) -> None:
                progress.reuse(assignment, row)
                for record in (*records, kept):
                    record.finished(assignment, row)

            width = study.description["search_width"]
            search = StudySearch(plan, width, known, on_reuse=reuse, take_look=looks.take)
            progress.left_out = search.left_out
            run_trials(search, job, slots, [display, *records, kept, *trackers], gate)
            return search

        # Ray and Tune don't survive a disk that is full to the last byte where their own files lie.
        return when_there_is_room(go_on, room, on_wait=gate.close)


def _job(study: StudyRun, room: Room) -> Job:
    from study.engine.worker import Job

    options = {
        "use_gpu": study.slots.gpus > 0,
        "gpu_share": study.slots.gpus or None,
        "slots": study.slots.count,
        "checkpoint_share": study.disk.share,
        "room": room,
    }
    workplaces = {name: workplace_of(study.plan, name, **options) for name in study.plan.models}
    return Job(workplaces, study.folder.address, study.about)


def _why_hopeless(row: Mapping[str, Any], folder: ResultsFolder) -> str:
    log = folder.place_of(folder.log_path(row["trial"]))
    return (
        f"{HOPELESS_FAILURES} or more trials failed and no training finished; something is wrong with all; "
        f"the last: {row['reason']} (log: {log})"
    )
