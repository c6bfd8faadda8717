"""Arms: the trials of a study grouped into what is compared, with what is finished, failed and missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from analysis.arms.scores import Scores, TrialScores, average, join_scores, read_scores
from analysis.reading.folders import Row, Study

# The columns that tell arms apart, in the order in which tables name them.
FACTORS = ("method", "quantization", "model", "variant", "prompt_style", "annotations")
ZERO_SHOT = "zero_shot"
FLOOR_PREFIX = "floor_"
# A study's seed, and the replicate's number in it.
Replicate = tuple[str, int]


@dataclass
class Arm:
    """One arm of a study, or one of its reference rows (the untrained model, the no-skill floors).

    An arm's scores vary from repeat to repeat: over its *replicates* (whole searches, each with the model
    that it found), or, where it was searched once, over the *seeds* with which the configuration found was
    trained.

    Attributes:
        label: for people; never parsed.
        confirm: the rows of the complete confirm trials, in the order of their repeats.
        search: the rows of every search trial.
        unfinished: confirm trials that ended otherwise, counted by status.
        replicates: whole searches planned; `search_trials` trials a search; `confirm_seeds` seeds with which
            the configuration that a search found is trained anew, 0 where the search's own model is scored.
            None where study.json doesn't say.
        plan: the arm's entry in study.json.
        parts: where arms of several studies were pooled, those arms.
    """

    study: Study
    label: str
    confirm: list[Row] = field(default_factory=list)
    search: list[Row] = field(default_factory=list)
    unfinished: Counter[str] = field(default_factory=Counter)
    replicates: int | None = None
    search_trials: int | None = None
    confirm_seeds: int | None = None
    plan: Row = field(default_factory=dict)
    parts: tuple[Arm, ...] = ()

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
        """Whether it stands at a table's foot: nothing was trained, so nothing varies."""
        return self.is_floor or self.method == ZERO_SHOT

    @property
    def unit(self) -> str:
        """What its scores vary over: "replicate", or "seed" where it was searched once."""
        several = max(self.replicates or 1, len({self.replicate_of(row) for row in self.confirm})) > 1
        one_model = self.confirm_seeds == 0 and len(self.confirm) <= 1
        return "replicate" if several or one_model else "seed"

    @property
    def planned(self) -> int | None:
        """Repeats that were planned; None where study.json doesn't say."""
        return self.replicates if self.unit == "replicate" else self.confirm_seeds

    @property
    def planned_trials(self) -> int | None:
        """Confirm trials that were planned."""
        if self.replicates is None or self.confirm_seeds is None:
            return None
        return self.replicates * max(self.confirm_seeds, 1)

    @property
    def planned_search(self) -> int | None:
        """Search trials that were planned, of all replicates."""
        return None if self.search_trials is None else self.search_trials * (self.replicates or 1)

    @property
    def studies(self) -> list[Study]:
        """The studies that it is from: several where they were pooled."""
        return [part.study for part in self.parts] or [self.study]

    @cached_property
    def trial_scores(self) -> TrialScores | None:
        """The per-question scores of the confirm trials, one row each; None where none can be read."""
        if not self.parts:
            return read_scores(self.study, [row["trial"] for row in self.confirm])
        found = [part.trial_scores for part in self.parts]
        scored = [scores for scores in found if scores is not None]
        return join_scores(scored) if scored else None

    @cached_property
    def scores(self) -> Scores | None:
        """The per-question scores of the repeats; None where no predictions can be read."""
        scored = self.scored_trials
        if self.trial_scores is None or not scored:
            return None
        by_replicate = self.unit == "replicate"
        names = {
            row["trial"]: self.replicate_of(row) if by_replicate else (*self.replicate_of(row), row["trial"])
            for row in scored
        }
        return average(self.trial_scores, names)

    @property
    def scored_trials(self) -> list[Row]:
        """The confirm trials whose predictions can be read."""
        trials = self.trial_scores.trials if self.trial_scores else []
        return [row for row in self.confirm if row["trial"] in trials]

    def study_of(self, row: Row) -> Study:
        """Return the study in whose folder a trial of the arm is."""
        return self._owners.get(row["trial"], self.study)

    @cached_property
    def _owners(self) -> dict[str, Study]:
        # The first study counts: a trial that several hold is one trial.
        parts = self.parts[::-1]
        return {row["trial"]: part.study for part in parts for row in [*part.confirm, *part.search]}

    def replicate_of(self, row: Row) -> Replicate:
        """Return which whole search a trial belongs to: the same in every folder that holds it.

        Everything random in a replicate follows from its study's seed and its number, so that two studies
        with one seed have the same replicates, and not more of them.
        """
        return (str(self.study_of(row).description.get("seed")), row.get("replicate") or 0)

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
        arms[label] = _planned_arm(study, label, plan)
    for row in study.trials:
        label = str(row.get("arm") or row.get("method"))
        key = label if label in arms else _key(label, row)
        _add(arms.setdefault(key, Arm(study, label)), row)
    for arm in arms.values():
        keep_latest(arm)
    return sorted(arms.values(), key=_place)


def _planned_arm(study: Study, label: str, plan: Row) -> Arm:
    seeds, replicates = plan.get("confirm_seeds"), plan.get("replicates")
    if isinstance(seeds, list):
        # Schema 1 knew one search an arm, and listed the seeds.
        seeds, replicates = len(seeds), 1
    return Arm(
        study,
        label,
        replicates=replicates,
        search_trials=plan.get("search_trials"),
        confirm_seeds=seeds,
        plan=plan,
    )


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


def keep_latest(arm: Arm) -> None:
    """Keep the latest of the confirm trials that stand for the same thing, and sort them by repeat.

    A search that went on may have confirmed another configuration, or another of its models: two of them
    are not two repeats.
    """
    latest: dict[Any, Row] = {}
    for row in sorted(arm.confirm, key=lambda row: str(row.get("ended_at") or "")):
        own = None if row.get("trained_by") else row.get("seed")
        place = (*arm.replicate_of(row), own is None, own or 0)
        if (old := latest.get(place)) is not None and old["trial"] != row["trial"]:
            what = "replicate" if own is None and row.get("trained_by") else "seed"
            reason = f"a later one has its arm and {what} ({arm.label})"
            arm.study_of(old).exclude(f"trial {old['trial']}", reason)
        latest[place] = row
    arm.confirm = [latest[place] for place in sorted(latest)]


def _place(arm: Arm) -> int:
    return 2 if arm.is_floor else 1 if arm.is_reference else 0


def name_arms(arms: Sequence[Arm]) -> list[str]:
    """Return a distinct name for each arm: its label, with its study and factors where labels repeat."""
    names = [arm.label for arm in arms]
    if len({tuple(study.root for study in arm.studies) for arm in arms}) > 1:
        names = [f"{_origin(arm)}: {name}" for arm, name in zip(arms, names, strict=True)]
    for name in ("model", "variant", "prompt_style", "annotations"):
        counts = Counter(names)
        names = [
            f"{old} {arm.factor(name)}" if counts[old] > 1 and arm.factor(name) else old
            for arm, old in zip(arms, names, strict=True)
        ]
    return _numbered(names)


def _origin(arm: Arm) -> str:
    names = [study.name for study in arm.studies]
    return " + ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} others"


def _numbered(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
