"""Arms: the trials of a study grouped into what is compared, with what is finished, failed and missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from analysis.arms.scores import Scores, TrialScores, average, join_scores, read_scores
from analysis.reading.folders import Row, Study
from analysis.reading.tasks import Task

# The columns that tell arms apart, in the order in which tables name them.
FACTORS = (
    ("method", "quantization", "model", "variant", "prompt_style", "annotations")
    + ("template", "system", "shots")
)  # fmt: skip
ZERO_SHOT, FEW_SHOT = "zero_shot", "few_shot"
FLOOR_PREFIX = "floor_"
# Trained, and no language model: what one has to beat to be needed.
RIVAL = "rival_tfidf"
# A study's seed, and the replicate's number in it.
Replicate = tuple[str, int]


def is_reference_method(method: str) -> bool:
    """Say whether a method trains no language model: prompting alone, the rival, the no-skill floors."""
    return method in (ZERO_SHOT, FEW_SHOT, RIVAL) or method.startswith(FLOOR_PREFIX)


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
    def is_rival(self) -> bool:
        """Whether it is no language model, and was trained all the same."""
        return self.method == RIVAL

    @property
    def is_reference(self) -> bool:
        """Whether it stands at a table's foot: no language model was trained, so nothing varies."""
        return is_reference_method(self.method)

    @property
    def task(self) -> Task:
        """The task of its study."""
        return self.study.task

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
