"""What each arm cost: trials by how they ended, hours, and what early stopping saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.arms.arm import Arm
from analysis.reading.folders import Row
from analysis.units import show_seconds

PRUNED = "pruned"


@dataclass(frozen=True)
class Saving:
    """What early stopping left undone.

    Attributes:
        trials: search trials that were stopped early, of `searched`.
        steps: optimizer steps that they did not take; `planned` those of every search trial. A trial whose
            row doesn't say its planned steps counts in neither.
        seconds: about what those steps would have taken, each trial at its own pace.
    """

    trials: int = 0
    searched: int = 0
    steps: int = 0
    planned: int = 0
    seconds: float = 0.0

    def __add__(self, other: Saving) -> Saving:
        """Return both together."""
        return Saving(
            self.trials + other.trials,
            self.searched + other.searched,
            self.steps + other.steps,
            self.planned + other.planned,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class Spending:
    """An arm's cost.

    Attributes:
        ends: status -> trials, search and confirm together.
        search_seconds: wall time of its search trials; `confirm_seconds` of its completed confirm trials.
    """

    name: str
    ends: Mapping[str, int]
    search_seconds: float
    confirm_seconds: float
    saving: Saving


def spending(arm: Arm, name: str) -> Spending:
    """Return what an arm cost."""
    ends = Counter(str(row.get("status")) for row in [*arm.search, *arm.confirm]) + arm.unfinished
    return Spending(name, dict(ends), _seconds(arm.search), _seconds(arm.confirm), saving(arm.search))


def total_spending(spent: Sequence[Spending]) -> Spending:
    """Return what all arms cost together."""
    return Spending(
        "all arms",
        dict(sum((Counter(arm.ends) for arm in spent), Counter())),
        sum(arm.search_seconds for arm in spent),
        sum(arm.confirm_seconds for arm in spent),
        sum((arm.saving for arm in spent), Saving()),
    )


def saving(rows: Sequence[Row]) -> Saving:
    """Return what early stopping saved in search trials."""
    stopped = [row for row in rows if row.get("status") == PRUNED]
    return Saving(
        trials=len(stopped),
        searched=len(rows),
        steps=sum(map(_saved_steps, stopped)),
        planned=sum(row.get("planned_steps") or 0 for row in rows),
        seconds=sum(map(_saved_seconds, stopped)),
    )


def _saved_steps(row: Row) -> int:
    # A folder of an earlier version has no planned steps: what was saved is then unknown, not the whole.
    planned, taken = row.get("planned_steps"), row.get("train_steps")
    return 0 if planned is None or taken is None else max(planned - taken, 0)


def _saved_seconds(row: Row) -> float:
    taken, seconds = row.get("train_steps"), row.get("train_seconds")
    return _saved_steps(row) * float(seconds) / taken if taken and seconds is not None else 0.0


def _seconds(rows: Sequence[Row]) -> float:
    return float(sum(row.get("busy_seconds") or 0.0 for row in rows))


def saving_sentence(saved: Saving) -> str | None:
    """Return what early stopping saved in words; None where it stopped nothing."""
    if not saved.trials:
        return None
    stopped = f"Early stopping ended {saved.trials} of {saved.searched} search trials"
    if not saved.steps:
        return f"{stopped}; how many steps that saved is not known."
    share = f"{saved.steps:,} of {saved.planned:,} optimizer steps ({saved.steps / saved.planned:.0%})"
    return f"{stopped} and saved {share}, about {show_seconds(saved.seconds)} of training."
