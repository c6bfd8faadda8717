"""What the person at the terminal sees while a study runs.

A live table in a terminal, one plain line a finished trial elsewhere; failures are lines in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from study.plan.arms import Arm
from study.plan.plan import Plan
from study.results.finished import primary_score
from study.search.assignment import Assignment
from study.search.observer import Observer

Row = Mapping[str, Any]


@dataclass
class Tally:
    """How far one arm has come."""

    searched: int = 0
    confirmed: int = 0
    best: float | None = None
    confirm_scores: list[float] = field(default_factory=list)


class Progress:
    """Counts what has happened; knows nothing of terminals.

    Args:
        plan: the study.
        slots: trials that run at once.
        expected: (arm, stage) -> seconds that a trial is expected to take.

    Attributes:
        ended: trials that this run has ended.
        left_out: (arm, stage) -> planned trials that will not run, see `study.search.search.StudySearch`.
        busy_seconds: s: the sum of the trials' own clocks.
    """

    def __init__(self, plan: Plan, slots: int, expected: Mapping[tuple[str, str], float] | None = None):
        self.plan, self.slots = plan, slots
        self._expected = expected or {}
        self.tallies = {arm.label: Tally() for arm in plan.arms}
        self.running: dict[str, tuple[Assignment, dict[str, Any]]] = {}
        self.ended = 0
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.busy_seconds = 0.0
        self._timed: dict[tuple[str, str], tuple[float, int]] = {}  # (arm, stage) -> seconds, trials
        self._counted: set[str] = set()

    @property
    def done(self) -> int:
        """Trials that have ended, reused ones included."""
        return sum(t.searched + t.confirmed for t in self.tallies.values())

    @property
    def seconds_left(self) -> float | None:
        """Estimated wall time left in s; None before the first trial has ended.

        What is left is weighed by arm and stage: by the mean of those that have ended, or, before one has, by
        what was expected of it, times what the others took beside what was expected of them.
        """
        if not self._timed:
            return None
        left = [(arm, stage, n) for arm in self.plan.arms for stage, n in self._left_of(arm).items() if n > 0]
        return sum(n * self._seconds_of(arm.label, stage) for arm, stage, n in left) / self.slots

    def _left_of(self, arm: Arm) -> dict[str, int]:
        tally = self.tallies[arm.label]
        ended = {"search": tally.searched, "confirm": tally.confirmed}
        return {
            stage: planned - ended[stage] - self.left_out[arm.label, stage]
            for stage, planned in arm.trials_by_stage.items()
        }

    def _seconds_of(self, label: str, stage: str) -> float:
        seconds, trials = self._timed.get((label, stage), (0.0, 0))
        if trials:
            return seconds / trials
        ended = sum(trials * self._expected.get(place, 1.0) for place, (_, trials) in self._timed.items())
        took = sum(seconds for seconds, _ in self._timed.values())
        return self._expected.get((label, stage), 1.0) * took / ended

    def start(self, assignment: Assignment) -> None:
        """Note that a trial was given a slot."""
        self.running[assignment.config.trial_id] = (assignment, {"phase": "starting"})

    def update(self, assignment: Assignment, progress: Mapping[str, Any]) -> None:
        """Note what a running trial reported."""
        if assignment.config.trial_id in self.running:
            self.running[assignment.config.trial_id][1].update(progress)

    def finish(self, assignment: Assignment, row: Row) -> None:
        """Note that a trial has ended."""
        self.running.pop(assignment.config.trial_id, None)
        self.ended += 1
        if row.get("busy_seconds"):
            self.busy_seconds += row["busy_seconds"]
            place = (assignment.arm.label, assignment.config.stage)
            seconds, trials = self._timed.get(place, (0.0, 0))
            self._timed[place] = (seconds + row["busy_seconds"], trials + 1)
        self._count(assignment, row)

    def reuse(self, assignment: Assignment, row: Row) -> None:
        """Note that a trial was found finished, unless this run has seen it before."""
        if row["trial"] in self._counted:
            return
        self._count(assignment, row)

    def _count(self, assignment: Assignment, row: Row) -> None:
        self._counted.add(row["trial"])
        tally = self.tallies[assignment.arm.label]
        if assignment.config.stage == "search":
            tally.searched += 1
        else:
            tally.confirmed += 1
        if row["status"] != "complete":
            return
        if assignment.config.stage == "search":
            score = primary_score(row)
            tally.best = self.plan.primary.best([score, *([] if tally.best is None else [tally.best])])
        else:
            tally.confirm_scores.append(primary_score(row))

    def busy_share(self, wall_seconds: float) -> float:
        """Return the share of the slots' time in which trials ran, by the trials' own clocks."""
        return self.busy_seconds / (wall_seconds * self.slots)


class Display(Observer):
    """Shows a `Progress` on a console."""

    def __init__(self, progress: Progress, console: Console):
        self._progress, self._console = progress, console
        self._live: Live | None = None
        self._paused: str | None = None

    def __enter__(self) -> Display:
        if self._console.is_interactive:  # not a pipe that is to be coloured, nor a dumb terminal
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=2)
            self._live.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*exception)

    def started(self, assignment: Assignment) -> None:
        """See `Observer`."""
        self._progress.start(assignment)

    def progressed(self, assignment: Assignment, progress: Mapping[str, Any]) -> None:
        """See `Observer`."""
        self._progress.update(assignment, progress)

    def interrupted(self, assignment: Assignment, reason: str) -> None:
        """See `Observer`."""
        self._progress.running.pop(assignment.config.trial_id, None)
        self._console.print(
            f"again: {_describe(assignment)} ({assignment.config.trial_id}): {reason}; "
            "it goes on from its last checkpoint, if it has one",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def finished(self, assignment: Assignment, row: Row) -> None:
        """See `Observer`."""
        self._progress.finish(assignment, row)
        if row["status"] not in ("complete", "pruned"):
            where = f"; log: {row['log']}" if row.get("log") else ""
            self._console.print(
                f"{row['status']}: {_describe(assignment)} ({row['trial']}): {row['reason']}{where}",
                style="red",
                markup=False,
                soft_wrap=True,
            )
        elif self._live is None:
            self._console.print(self._line(assignment, row), markup=False, highlight=False, soft_wrap=True)

    def pause(self, reason: str | None) -> None:
        """Say that the study pauses for a reason, or with None that it goes on."""
        self._paused = reason
        line = "Going on: there is room again." if reason is None else f"Paused, nothing is lost: {reason}"
        self._console.print(
            line, style="red" if reason else "", markup=False, highlight=False, soft_wrap=True
        )

    def _line(self, assignment: Assignment, row: Row) -> str:
        progress = self._progress
        width = len(str(progress.plan.trials))
        left = progress.seconds_left
        ended = (
            f"stopped early at step {row['train_steps']} of {row['planned_steps']}"
            if row["status"] == "pruned"
            else f"{progress.plan.primary.shown} {progress.plan.primary.show(primary_score(row))}"
        )
        return (
            f"[{progress.done:{width}}/{progress.plan.trials}] {_describe(assignment)}: "
            f"{ended} in {row['busy_seconds']:.0f} s"
            + (f", about {show_seconds(left)} left" if left is not None and left > 0 else "")
        )

    def _render(self) -> RenderableType:
        progress = self._progress
        left = progress.seconds_left
        head = Text(f"{progress.done} of {progress.plan.trials} trials", style="bold")
        head.append(
            f", {len(progress.running)} running" + (f", about {show_seconds(left)} left" if left else "")
        )
        if self._paused is not None:
            head.append(f"\nPaused: {self._paused}", style="red")
        return Group(head, _arms_table(progress), _running_table(progress))


def show_seconds(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 7 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _describe(assignment: Assignment) -> str:
    config, arm = assignment.config, assignment.arm
    if arm.is_baseline:
        return f"{arm.label}, without training"
    label = arm.label if arm.replicates == 1 else f"{arm.label}, replicate {assignment.replicate + 1}"
    if assignment.number is not None:
        return f"{label}, search {assignment.number + 1} of {arm.search_trials}"
    if config.trained_by is not None:
        return f"{label}, test of the best"
    return f"{label}, confirm {(assignment.confirm_number or 0) + 1} of {arm.confirm_seeds}"


def _arms_table(progress: Progress) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("arm")
    primary = progress.plan.primary
    for header in ("search", "confirm", "best so far", f"test {primary.shown}"):
        table.add_column(header, justify="right")
    for arm in progress.plan.compared:
        tally = progress.tallies[arm.label]
        mean = sum(tally.confirm_scores) / max(1, len(tally.confirm_scores))
        table.add_row(
            Text(arm.label),
            f"{tally.searched}/{arm.trials_by_stage['search']}",
            f"{tally.confirmed}/{arm.trials_by_stage['confirm']}",
            "" if tally.best is None else primary.show(tally.best),
            primary.show(mean) if tally.confirm_scores else "",
        )
    baselines = [arm for arm in progress.plan.arms if arm.is_baseline]
    done = sum(progress.tallies[arm.label].confirmed for arm in baselines)
    table.add_row("baselines", "", f"{done}/{len(baselines)}", "", "")
    return table


def _running_table(progress: Progress) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for assignment, state in list(progress.running.values()):
        step = f"step {state['step']} of {state['steps']}" if "step" in state else ""
        loss = f"loss {state['loss']:.3f}" if "loss" in state else ""
        table.add_row(Text(_describe(assignment)), str(state["phase"]), step, loss)
    return table
