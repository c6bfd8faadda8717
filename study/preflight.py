"""Before the first trial: what the study will cost, and the smallest difference that it can see.

The same lines open every run, and are what `--dry-run` prints, there with a row for every arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.binding import bind
from study.command_line import say
from study.disk import DiskPlan, check_free, check_limit
from study.display import show_seconds
from study.estimate import StudyEstimate, estimate_on_record, estimate_study, process_bytes
from study.plan import Plan
from study.quiet import quiet_libraries
from study.resolution import describe_resolution
from study.room import free_bytes
from study.sizes import show_size
from study.slots import Slots
from study.sources import HubUnreachable


def preflight(
    plan: Plan,
    slots: Slots,
    folder: Path,
    max_disk: float | None,
    console: Console,
    finished: Iterable[Mapping[str, Any]] = (),
) -> DiskPlan:
    """Print what a bound plan will cost, and return what it may take up on disk.

    Args:
        folder: where the results go; `max_disk` is the most bytes that it may take up, if there is a limit.
        finished: rows of a resumed study that need not run again.

    Raises:
        UserError: a model or the data can't be used, or the disk does not hold the study.
    """
    quiet_libraries()
    estimate = estimate_study(plan, slots, finished)
    disk = estimate.disk(max_disk)
    check_limit(disk)
    _print_summary(estimate, disk, folder, console)
    check_free(disk, folder)
    return disk


def dry_run(plan: Plan, slots: Slots, folder: Path, max_disk: float | None, console: Console) -> None:
    """Print the arms of a plan, and what the study would cost.

    Raises:
        UserError: a model or the data can't be used, or --max-disk is too small.
    """
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
    console.print("Trials: search + confirm. Questions: to train on, to validate, to test.")
    if code := [arm.facts.code.rows for arm in estimate.arms if arm.facts.code is not None]:
        console.print(f"Stacked LoRA's second phase: {max(code):,} rows of code.", highlight=False)
    searched = dict.fromkeys(name for arm in plan.arms for name in arm.ranges)
    console.print(f"Searched within each arm: {', '.join(searched) or 'nothing'}", highlight=False)
    _print_summary(estimate, disk, folder, console)
    for note in plan.notes:
        say(console, f"Note: {note}")
    console.print("Nothing was run.")


def summary_rows(estimate: StudyEstimate, disk: DiskPlan, free: float) -> list[tuple[str, str]]:
    """Return what a study will cost as (what, sentence)."""
    return [
        ("trials", _trials(estimate)),
        ("time", _time(estimate)),
        ("memory", _memory(estimate)),
        ("disk", _disk(disk, free)),
        ("will see", _resolution(estimate)),
        *([("cut", cut)] if (cut := _cut(estimate)) else []),
    ]


def _print_summary(estimate: StudyEstimate, disk: DiskPlan, folder: Path, console: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for what, sentence in summary_rows(estimate, disk, free_bytes(folder)):
        table.add_row(what, Text(sentence))
    console.print(table)


def _trials(estimate: StudyEstimate) -> str:
    plan = estimate.plan
    searches = sum(arm.search_trials for arm in plan.compared)
    confirms = sum(len(arm.confirm_seeds) for arm in plan.compared)
    baselines = plan.trials - searches - confirms
    left = "" if estimate.trials_left == plan.trials else f"; {estimate.trials_left} are left"
    return (
        f"{plan.trials} of {len(plan.compared)} arms: {searches} to search, {confirms} to confirm, "
        f"{baselines} baselines; {estimate.slots.count} at once{left}"
    )


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
        return f"{line}; each of the {estimate.slots.count} slots has {show_size(has)}"
    fewer = "--gpus-per-trial" if estimate.slots.gpus else "--cpus-per-trial"
    return (
        f"{line}, but a slot has {show_size(has)}: trials are likely to run out of it; a smaller "
        f"--set batch_size=N, or fewer trials at once ({fewer}), would help"
    )


def _disk(disk: DiskPlan, free: float) -> str:
    parts = f"models {show_size(disk.models)}, tables {show_size(disk.tables)}"
    line = f"at most {show_size(disk.total)}: {parts}, checkpoints {show_size(disk.checkpoints)}"
    line += f"; {show_size(free)} are free"
    if disk.kept == 0:
        line += "; checkpoints do not fit in --max-disk: a fault costs a whole trial"
    elif disk.kept == 1:
        line += "; two checkpoints a trial do not fit in --max-disk: it keeps one, rewritten in place"
    return line


def _resolution(estimate: StudyEstimate) -> str:
    seeds = min(len(arm.arm.confirm_seeds) for arm in estimate.arms)
    questions = min(arm.facts.test.rows for arm in estimate.arms)
    return describe_resolution(questions, replicates=1, seeds=seeds)


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
    return [
        (
            e.arm.label,
            f"{e.arm.search_trials}+{len(e.arm.confirm_seeds)}",
            f"{e.trainable:,}",
            f"{e.facts.train.rows}/{e.facts.validation.rows}/{e.facts.test.rows}",
            str(e.steps),
            show_seconds(e.confirm_seconds),
            f"{(process_bytes(estimate.slots) + e.memory_bytes) / 1e9:.1f} GB",
        )
        for e in estimate.arms
    ]
