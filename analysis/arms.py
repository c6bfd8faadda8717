"""Arms: the trials of a study grouped into what is compared, with what is finished, failed and missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from analysis.folders import Row, Study
from analysis.scores import Scores, read_scores

# The columns that tell arms apart, in the order in which tables name them.
FACTORS = ("method", "quantization", "model", "variant", "prompt_style", "annotations")
ZERO_SHOT = "zero_shot"
FLOOR_PREFIX = "floor_"


@dataclass
class Arm:
    """One arm of a study, or one of its reference rows (the untrained model, the no-skill floors).

    Attributes:
        label: for people; never parsed.
        confirm: the rows of the complete confirm trials, one a seed.
        search: the rows of every search trial.
        unfinished: confirm trials that ended otherwise, counted by status.
        planned: confirm seeds planned, `planned_search` search trials; None where study.json doesn't say.
    """

    study: Study
    label: str
    confirm: list[Row] = field(default_factory=list)
    search: list[Row] = field(default_factory=list)
    unfinished: Counter[str] = field(default_factory=Counter)
    planned: int | None = None
    planned_search: int | None = None
    plan: Row = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The method, from the rows; from the plan while there are none."""
        return str(self.factor("method") or "")

    @property
    def is_floor(self) -> bool:
        """Whether it is a no-skill floor: scores that need no model."""
        return self.method.startswith(FLOOR_PREFIX)

    @property
    def is_reference(self) -> bool:
        """Whether it stands at a table's foot: nothing was trained, so there is no seed to vary."""
        return self.is_floor or self.method == ZERO_SHOT

    @cached_property
    def scores(self) -> Scores | None:
        """The per-question scores of the confirm trials; None where no predictions can be read."""
        scores, _ = self._scored
        return scores

    @property
    def scored_trials(self) -> list[Row]:
        """The confirm trials whose predictions can be read."""
        _, trials = self._scored
        return [row for row in self.confirm if row["trial"] in trials]

    @cached_property
    def _scored(self) -> tuple[Scores | None, list[str]]:
        return read_scores(self.study, [row["trial"] for row in self.confirm])

    def factor(self, name: str) -> Any:
        """Return a factor's value; None where the arm's trials don't agree on it."""
        rows = self.confirm or self.search
        values = {row.get(name) for row in rows} if rows else {self.plan.get("factors", {}).get(name)}
        return values.pop() if len(values) == 1 else None


def group_arms(study: Study) -> list[Arm]:
    """Return the study's arms: the planned ones in their order, others after them, reference rows last."""
    arms: dict[Any, Arm] = {}
    for plan in study.arms:
        label = str(plan.get("label"))
        seeds = plan.get("confirm_seeds")
        planned = len(seeds) if isinstance(seeds, list) else None
        arms[label] = Arm(study, label, planned=planned, planned_search=plan.get("search_trials"), plan=plan)
    for row in study.trials:
        label = str(row.get("arm") or row.get("method"))
        key = label if label in arms else _key(label, row)
        _add(arms.setdefault(key, Arm(study, label)), row)
    for arm in arms.values():
        _keep_latest_of_each_seed(arm)
    return sorted(arms.values(), key=_place)


def _key(label: str, row: Row) -> Any:
    # A label that was not planned may serve several untrained rows: what they are tells them apart.
    method = str(row.get("method"))
    if method == ZERO_SHOT or method.startswith(FLOOR_PREFIX):
        return (label, *(row.get(name) for name in FACTORS))
    return label


def _add(arm: Arm, row: Row) -> None:
    if row.get("stage") == "search":
        arm.search.append(row)
    elif row.get("status") == "complete":
        arm.confirm.append(row)
    else:
        arm.unfinished[str(row.get("status"))] += 1


def _keep_latest_of_each_seed(arm: Arm) -> None:
    # A search that went on may have confirmed another configuration: two of them are not one arm's seeds.
    latest: dict[Any, Row] = {}
    for row in sorted(arm.confirm, key=lambda row: str(row.get("ended_at") or "")):
        if (old := latest.get(row.get("seed"))) is not None:
            arm.study.exclude(f"trial {old['trial']}", f"a later one has its arm and seed ({arm.label})")
        latest[row.get("seed")] = row
    arm.confirm = sorted(latest.values(), key=lambda row: (row.get("seed") is None, row.get("seed") or 0))


def _place(arm: Arm) -> int:
    return 2 if arm.is_floor else 1 if arm.is_reference else 0


def name_arms(arms: Sequence[Arm]) -> list[str]:
    """Return a distinct name for each arm: its label, with its study and factors where labels repeat."""
    names = [arm.label for arm in arms]
    if len({arm.study.root for arm in arms}) > 1:
        names = [f"{arm.study.name}: {name}" for arm, name in zip(arms, names, strict=True)]
    for name in ("model", "variant", "prompt_style", "annotations"):
        counts = Counter(names)
        names = [
            f"{old} {arm.factor(name)}" if counts[old] > 1 and arm.factor(name) else old
            for arm, old in zip(arms, names, strict=True)
        ]
    return _numbered(names)


def _numbered(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
