"""How arms do by group, where the questions of a study have groups: the worst beside the mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arms.scores import read_texts
from analysis.comparison.estimates import estimate_score
from analysis.comparison.rows import ComparisonRow
from analysis.reading.tasks import Score
from analysis.statistics.intervals import Estimate

# Of fewer questions a group's figure is mostly chance: none of them is called the worst.
FEWEST_QUESTIONS = 10
MOST_GROUPS = 100


@dataclass(frozen=True)
class Group:
    """One group: its name, its questions, and what each arm (by its name) scores on them."""

    name: str
    questions: int
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True)
class Groups:
    """The groups of a set of questions, the largest first.

    Attributes:
        score: that of the figures: the primary one, or where that is no mean over questions another.
        groups: two at least; `left_out` smaller ones are beyond `MOST_GROUPS`.
        overall: arm -> the same score over all questions.
    """

    score: Score
    groups: list[Group]
    overall: Mapping[str, Estimate]
    left_out: int = 0

    def worst(self, arm: str) -> Group | None:
        """Return the group on which an arm does worst, of those with enough questions if several have."""
        large = [group for group in self.groups if group.questions >= FEWEST_QUESTIONS]
        if len(large) < 2:
            return None
        sign = self.score.measure.sign
        return min(large, key=lambda group: sign * group.estimates[arm].mean)


def find_groups(rows: Sequence[ComparisonRow]) -> Groups | None:
    """Return the groups of arms that answered the same questions, one arm at least.

    None where the questions have no groups, or one alone, or no score is a mean over questions.
    """
    score = rows[0].task.by_question
    names = _group_names(rows[0])
    if score is None or names is None:
        return None
    sizes = {name: int((names == name).sum()) for name in dict.fromkeys(names.tolist()) if name is not None}
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    scored = [row for row in rows if row.arm.scores is not None and score.name in row.arm.scores.matrices]
    if len(ordered) < 2 or not scored:
        return None
    groups = [
        Group(name, sizes[name], {row.name: _estimate(row, score, names == name) for row in scored})
        for name in ordered[:MOST_GROUPS]
    ]
    everything = np.ones(len(names), bool)
    overall = {row.name: _estimate(row, score, everything) for row in scored}
    return Groups(score, groups, overall, max(len(ordered) - MOST_GROUPS, 0))


def _group_names(row: ComparisonRow) -> np.ndarray | None:
    """Return the group of each question, in the order of the scores; None where that is unknown."""
    first = row.arm.scored_trials[0]
    read = read_texts(row.arm.study_of(first), first["trial"], ["group"])
    if read is None or row.arm.scores is None or not np.array_equal(read[0], row.arm.scores.questions):
        return None
    return np.array(read[1]["group"], dtype=object)


def _estimate(row: ComparisonRow, score: Score, chosen: np.ndarray) -> Estimate:
    assert row.arm.scores is not None
    own = row.arm.scores.matrices[score.name][:, chosen]
    return estimate_score(own, score, row.is_reference)
