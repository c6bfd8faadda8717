"""The comparison of arms as figures: one row an arm, with every metric, cost and count. Pure; no text layout.

The terminal table, the Markdown, LaTeX, HTML and CSV ones and the report are all drawn from these rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analysis.arms.arm import Arm
from analysis.arms.costs import Cost, TrainingTimes
from analysis.comparison.paper import PaperRow
from analysis.reading.folders import Study
from analysis.reading.tasks import MATH, Task
from analysis.statistics.intervals import Estimate


@dataclass(frozen=True)
class ComparisonRow:
    """One arm's figures.

    Attributes:
        name: distinct among the rows.
        repeats: replicates with scores, or seeds where the arm was searched once (`unit` says which);
            `planned` those that were planned, None where unknown.
        trials: confirm trials with scores.
        unfinished: confirm trials that ended otherwise, by status.
        estimates: metric -> mean and interval; % for shares and similarity, 0-1 for rouge1, other scores of
            a task in their units. What was not measured is absent.
        costs: cost -> its values over the repeats; seconds, bytes. What was not measured is absent.
        perplexity_scale: a letter; perplexities with different letters can't be compared.
        question_set: a letter; rows with different letters were scored on different questions.
        times: how training times can be compared among the rows of its question set.
    """

    name: str
    arm: Arm
    repeats: int
    unit: str
    planned: int | None
    trials: int
    questions: int
    unfinished: Mapping[str, int]
    estimates: Mapping[str, Estimate]
    costs: Mapping[str, Cost]
    perplexity_scale: str | None
    question_set: str | None
    paper: PaperRow | None
    times: TrainingTimes = field(default_factory=TrainingTimes)

    @property
    def is_reference(self) -> bool:
        """Whether no language model was trained: prompting alone, the rival and the floors."""
        return self.arm.is_reference

    @property
    def task(self) -> Task:
        """The task, which is that of all rows of the comparison."""
        return self.arm.task

    @property
    def primary(self) -> Estimate | None:
        """The primary score; None where it could not be read."""
        return self.estimates.get(self.task.primary.name)

    @property
    def merit(self) -> float:
        """The primary score so that more is better; that of a row without one is less than any."""
        return -math.inf if self.primary is None else self.task.primary.measure.sign * self.primary.mean

    @property
    def is_short(self) -> bool:
        """Whether fewer trials were scored than planned."""
        return self.arm.planned_trials is not None and self.trials < self.arm.planned_trials


@dataclass(frozen=True)
class Comparison:
    """The rows of a comparison, all of one task, and the sentences that belong under it."""

    rows: list[ComparisonRow]
    notes: list[str]
    task: Task = MATH

    @property
    def trained(self) -> list[ComparisonRow]:
        """The rows of arms that were trained: all but the reference rows."""
        return [row for row in self.rows if not row.is_reference]

    @property
    def searched(self) -> list[ComparisonRow]:
        """The rows of arms with search trials."""
        return [row for row in self.rows if row.arm.search]


def studies_of(rows: Iterable[ComparisonRow]) -> list[Study]:
    """Return the studies that the rows are from, each once."""
    return list({study.root: study for row in rows for study in row.arm.studies}.values())
