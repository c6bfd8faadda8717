"""Before the first trial: what the study will cost, and the smallest difference that it can see.

The same lines open every run, and are what `--dry-run` prints, there with a row for every arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.command_line import say
from study.cost.earlier_trials import read_earlier_trials
from study.cost.resolution import describe_resolution, spread_on_record
from study.engine.display import show_seconds
from study.engine.slots import Slots, share_of_a_gpu, trials_on_a_gpu
from study.machine import interruption
from study.machine.room import free_bytes
from study.plan.arms import Arm
from study.plan.binding import bind, check_models
from study.plan.plan import Plan
from study.protocol.looks import count_contrasts
from study.quiet import quiet_libraries
from study.results.disk import DiskPlan, check_free, check_limit
from study.sizes import count_of, show_size
from study.sources.hub import HubUnreachable

if TYPE_CHECKING:  # it comes with torch, which the process that prints this need not have
    from study.cost.estimate import StudyEstimate


@dataclass(frozen=True)
class Preflight:
    """What a study will cost.

    Attributes:
        disk: what it may take up.
        trial_seconds: (arm, stage) -> seconds of a trial.
        rows: (what, sentence) for the user.
        notes: what the user has to know of the models.
    """

    disk: DiskPlan
    trial_seconds: Mapping[tuple[str, str], float]
    rows: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()

    def show(self, folder: Path, console: Console) -> None:
        """Print it.

        Raises:
            UserError: the disk of `folder` does not hold the study.
        """
        interruption.check()
        _print_rows(self.rows, console)
        check_free(self.disk, folder)


def preflight(
    plan: Plan,
    slots: Slots,
    folder: Path,
    max_disk: float | None,
    finished: Iterable[Mapping[str, Any]] = (),
    studies: Path | None = None,
) -> Preflight:
    """Return what a plan whose sources are found will cost, after a look into its models.

    Args:
        folder: where the results go; `max_disk` is the most bytes that it may take up, if there is a limit.
        finished: rows of a resumed study that need not run again.
        studies: where this and earlier studies lie, whose trials tell how much replicates differ.

    Raises:
        UserError: a model can't be used, or --max-disk is too small.
    """
    from study.cost.estimate import estimate_study

    quiet_libraries()
    notes = check_models(plan)
    estimate = estimate_study(plan, slots, finished)
    disk = estimate.disk(max_disk)
    check_limit(disk)
    rows = _rows(estimate, disk, folder, studies)
    return Preflight(disk, estimate.trial_seconds, rows, notes)


def dry_run(plan: Plan, slots: Slots, folder: Path, max_disk: float | None, console: Console) -> None:
    """Print the arms of a plan, and what the study would cost.

    Raises:
        UserError: a model or the data can't be used, or --max-disk is too small.
    """
    from study.cost.estimate import estimate_on_record, estimate_study

    quiet_libraries()
    try:
        plan = bind(plan)
        estimate = estimate_study(plan, slots)
    except HubUnreachable:
        estimate = estimate_on_record(plan, slots)
        console.print("The Hub can't be reached: sizes are those on record, tokens are estimated.")
    disk = estimate.disk(max_disk)
    check_limit(disk)
    console.print(_arms_table(estimate))
    console.print("Trials: replicates x (search + confirm). Questions: to train on, to validate, to test.")
    if code := [arm.facts.code.rows for arm in estimate.arms if arm.facts.code is not None]:
        console.print(f"Stacked LoRA's second phase: {max(code):,} rows of code.", highlight=False)
    searched = dict.fromkeys(name for arm in plan.arms for name in arm.ranges)
    console.print(f"Searched within each arm: {', '.join(searched) or 'nothing'}", highlight=False)
    _print_rows(_rows(estimate, disk, folder, folder), console)
    for note in plan.notes:
        say(console, f"Note: {note}")
    console.print("Nothing was run.")


def summary_rows(
    estimate: StudyEstimate, disk: DiskPlan, free: float, on_record: Iterable[Mapping[str, Any]] = ()
) -> list[tuple[str, str]]:
    """Return what a study will cost as (what, sentence).

    Args:
        free: bytes on its disk.
        on_record: rows of its own or of earlier studies, which tell how much replicates differ.
    """
    return [
        ("trials", _trials(estimate)),
        ("time", _time(estimate)),
        ("memory", _memory(estimate)),
        ("disk", _disk(disk, free)),
        ("will see", _resolution(estimate, on_record)),
        *([("cut", cut)] if (cut := _cut(estimate)) else []),
    ]


def _rows(
    estimate: StudyEstimate, disk: DiskPlan, folder: Path, studies: Path | None
) -> list[tuple[str, str]]:
    on_record = read_earlier_trials(studies, estimate.plan) if studies else []
    return summary_rows(estimate, disk, free_bytes(folder), on_record)


def _print_rows(rows: Iterable[tuple[str, str]], console: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for what, sentence in rows:
        table.add_row(what, Text(sentence))
    console.print(table)


def _trials(estimate: StudyEstimate) -> str:
    plan = estimate.plan
    searches = sum(arm.trials_by_stage["search"] for arm in plan.compared)
    confirms = sum(arm.trials_by_stage["confirm"] for arm in plan.compared)
    looks = f"; at most, with looks after {show_looks(plan)} replicates" if plan.request.looks else ""
    # A search that found nothing, or a look, leaves some out.
    left = "" if estimate.trials_left == plan.trials else f"; at most {estimate.trials_left} are left"
    arms, trainings = count_of(len(plan.compared), "arm"), count_of(searches, "training")
    baselines = count_of(plan.trials - searches - confirms, "baseline")
    return (
        f"{plan.trials} of {arms}: {trainings} to search, {confirms} to confirm, {baselines}; "
        f"{estimate.slots.count} at once{looks}{left}. {_searches(plan.compared)}"
    )


def _searches(arms: Sequence[Arm]) -> str:
    """Return what each arm does, in a sentence."""
    replicates = [arm.replicates for arm in arms]
    trials = [arm.search_trials for arm in arms]
    times = "1 search" if max(replicates) == 1 else f"{_range(replicates)} independent searches"
    each = f"{_range(trials)} {'trial' if max(trials) == 1 else 'trials'}"
    seeds = max(arm.confirm_seeds for arm in arms)
    again = f"trained again with {seeds} {'seed' if seeds == 1 else 'seeds'}"
    found = again if seeds else "scored on the test split"
    return f"Each arm: {times} of {each}, the best of each {found}"


def _range(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return f"{most}" if least == most else f"{least} to {most}"


def show_looks(plan: Plan) -> str:
    """Return the planned looks in words: 3, 6 and 12."""
    *first, last = map(str, plan.request.looks or ())
    return f"{', '.join(first)} and {last}" if first else last


def _time(estimate: StudyEstimate) -> str:
    slots = estimate.slots
    units, unit = (slots.gpus, "GPU") if slots.gpus or not estimate.speed.measured else (slots.cpus, "CPU")
    hours = estimate.slot_seconds * (units or 1.0) / 3600
    where = "on this machine" if estimate.speed.measured else "of a GPU's time (its speed is assumed)"
    return f"about {show_seconds(estimate.seconds)} {where}, {hours:.2g} {unit}-hours"


def _memory(estimate: StudyEstimate) -> str:
    need, has = estimate.memory_bytes, estimate.speed.memory_bytes
    line = f"about {show_size(need)} {'of the GPU ' if estimate.slots.gpus else ''}a trial"
    if has is None:
        return line
    if need <= has:
        count = estimate.slots.count
        slots = "the slot" if count == 1 else f"each of the {count} slots"
        return f"{line}; {slots} has {show_size(has)}{_sharing(estimate)}"
    fewer = "--gpus-per-trial" if estimate.slots.gpus else "--cpus-per-trial"
    return (
        f"{line}, but a slot has {show_size(has)}: trials are likely to run out of it; a smaller "
        f"--set batch_size=N, or fewer trials at once ({fewer}), would help"
    )


def _disk(disk: DiskPlan, free: float) -> str:
    parts = f"models {show_size(disk.models)}, tables {show_size(disk.tables)}"
    parts += f", models that wait to be scored {show_size(disk.candidates)}"
    line = f"at most {show_size(disk.total)}: {parts}, checkpoints {show_size(disk.checkpoints)}"
    line += f"; {show_size(free)} are free"
    if disk.kept == 0:
        line += "; checkpoints do not fit in --max-disk: a fault costs a whole trial"
    elif disk.kept == 1:
        line += "; two checkpoints a trial do not fit in --max-disk: it keeps one, rewritten in place"
    return line


def _sharing(estimate: StudyEstimate) -> str:
    """Return that more trials can share a GPU than do, if so, and the option for it."""
    slots, has = estimate.slots, estimate.speed.memory_bytes
    if not slots.gpus or has is None:
        return ""
    now = max(1, int(1 / slots.gpus + 1e-9))
    can = trials_on_a_gpu(estimate.memory_bytes, has * now, slots.cpus * now)
    return f"; {can} could share each GPU (--gpus-per-trial {share_of_a_gpu(can):g})" if can > now else ""


def _resolution(estimate: StudyEstimate, on_record: Iterable[Mapping[str, Any]]) -> str:
    arms = [arm.arm for arm in estimate.arms]
    return describe_resolution(
        questions=min(arm.facts.test.rows for arm in estimate.arms),
        replicates=min(arm.replicates for arm in arms),
        seeds=min(arm.confirm_seeds for arm in arms),
        contrasts=count_contrasts(estimate.plan),
        measured=spread_on_record(on_record),
        score=estimate.plan.primary,
    )


def _cut(estimate: StudyEstimate) -> str | None:
    """Return how many texts are over their token limit, and what becomes of them; None if none were read."""
    read = [(arm.facts.cut, arm.arm) for arm in estimate.arms if arm.facts.cut is not None]
    if not read:
        return None
    (sources, targets, rows), worst = max(read, key=lambda pair: sum(pair[0][:2]))
    limits = ", ".join(f"{name}={worst.values[name]}" for name in ("max_source_tokens", "max_target_tokens"))
    if not sources + targets:
        return f"no input and no target is over its limit ({limits})"
    arms = sum(1 for (s, t, _), _ in read if s + t)
    return (
        f"{worst.label}: {sources:,} inputs and {targets:,} targets of {rows:,} are over their limit "
        f"({limits}) and lose their end, all but the last token; so do some in {arms} of {len(read)} arms"
    )


def _arms_table(estimate: StudyEstimate) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm")
    for header in ("trials", "parameters", "questions", "steps", "a trial", "memory"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in _arm_cells(estimate):
        table.add_row(*row)
    return table


def _arm_cells(estimate: StudyEstimate) -> Sequence[Sequence[str]]:
    from study.cost.estimate import process_bytes

    return [
        (
            e.arm.label,
            f"{e.arm.replicates} x ({e.arm.search_trials}+{e.arm.confirm_trials})",
            f"{e.trainable:,}",
            f"{e.facts.train.rows}/{e.facts.validation.rows}/{e.facts.test.rows}",
            str(e.steps),
            show_seconds(e.search_seconds),
            f"{(process_bytes(estimate.slots) + e.memory_bytes) / 1e9:.1f} GB",
        )
        for e in estimate.arms
    ]
