"""The judgement on arms that answered the same questions: what was asked for, what is clear, who may be best.

`words` says it, `pictures` and `page` draw it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.arms.arm import FEW_SHOT
from analysis.comparison.groups import Groups, find_groups
from analysis.comparison.rows import Comparison, ComparisonRow, studies_of
from analysis.judgement.families import (
    answers_at,
    answers_of,
    asked_contrasts,
    family_contrasts,
    looked_at,
    planned_looks,
    question_sets,
)
from analysis.reading.folders import Study
from analysis.reading.tasks import Task
from analysis.statistics.contrasts import (
    Contrast,
    estimate_contrast,
    every_pair,
)
from analysis.statistics.differences import Answers, Difference, Ranks, correct_together, rank_arms
from analysis.statistics.intervals import Estimate
from analysis.statistics.sequential import LookPlan, Outcome, replay


@dataclass(frozen=True)
class LooksTaken:
    """The looks that a study took: their plan, how many were taken, and what they showed."""

    plan: LookPlan
    taken: int
    outcome: Outcome


@dataclass(frozen=True)
class Verdict:
    """The comparison of arms that answered the same questions.

    Attributes:
        rows: the trained arms that have scores, best first.
        ranks: name -> the ranks that the arm may have; those of arms that can't be told apart overlap.
        differences: every pair. A planned one is corrected over all planned contrasts, main effects
            included, the others (exploratory) over all pairs.
        effects: the main effects of the compared factors, corrected with the planned pairs.
        gains: every arm against the best row without training, corrected among themselves.
        reference: the name of that row; None where there is none.
        rivals: every arm against few-shot prompting and against the rival that is no language model, where
            they are not that row, corrected among themselves; `references` are the rows without training.
        groups: how the arms do by group, where the questions have groups.
        is_planned: whether the space asks for contrasts; if not, all pairs are tested together.
        looks: where the study was looked at while it ran.
    """

    rows: list[ComparisonRow]
    ranks: Mapping[str, Ranks]
    differences: list[Difference]
    gains: list[Difference]
    reference: str | None
    effects: list[Difference]
    is_planned: bool
    looks: LooksTaken | None = None
    rivals: Sequence[Difference] = ()
    references: Sequence[ComparisonRow] = ()
    groups: Groups | None = None

    @property
    def task(self) -> Task:
        """The task, which is that of all its rows."""
        return self.rows[0].task

    def pair(self, first: str, second: str) -> Difference:
        """Return the difference of two arms, whichever is better."""
        return next(d for d in self.differences if {d.better, d.worse} == {first, second})

    @property
    def planned(self) -> list[Difference]:
        """What was asked for together: main effects, then pairs."""
        return [*self.effects, *(pair for pair in self.differences if pair.is_planned)]

    @property
    def exploratory(self) -> list[Difference]:
        """The pairs that nobody asked for before the study ran."""
        return [pair for pair in self.differences if not pair.is_planned]

    @property
    def shown_to_gain(self) -> set[str]:
        """The names of the arms that clearly beat the best row without training."""
        return {gain.better for gain in self.gains if gain.is_clear and gain.worse == self.reference}

    @property
    def tested_rivals(self) -> list[ComparisonRow]:
        """Few-shot prompting and the rival that is no language model, as far as there are such rows."""
        return [row for row in self.references if _is_rival(row)]

    def not_shown_to_beat(self, reference: str) -> list[str]:
        """Return the names of the arms that are not shown to beat a row that they were tested against."""
        tests = [test for test in (*self.gains, *self.rivals) if reference in test.arms]
        beat = {test.better for test in tests if test.is_clear and test.worse == reference}
        return [row.name for row in self.rows if row.name not in beat]

    @property
    def studies(self) -> list[Study]:
        """The studies that the arms are from."""
        return studies_of(self.rows)


@dataclass(frozen=True)
class _Family:
    """How differences that are asked for together are tested: once, or at every look that was taken.

    Attributes:
        answers: arm -> all of its answers.
        at_looks: the same at each look; None without looks.
    """

    answers: Mapping[str, Answers]
    plan: LookPlan | None = None
    at_looks: Sequence[Mapping[str, Answers]] = ()
    outcome: Outcome | None = None

    def test(self, contrasts: Sequence[Contrast]) -> list[Difference]:
        """Return the contrasts' differences, corrected together, in their order."""
        if self.plan is None or self.outcome is None:
            return correct_together([estimate_contrast(asked, self.answers) for asked in contrasts])
        found = replay(self.at_looks, contrasts, self.plan, self.outcome.stopped).differences
        tested = {_key(one.better, one.worse, one.over): one for one in found}
        keys = [_key(asked.first, asked.second, asked.over) for asked in contrasts]
        return [tested.get(key) or self._untested(asked) for key, asked in zip(keys, contrasts, strict=True)]

    def _untested(self, asked: Contrast) -> Difference:
        """Return the difference before the first look: a number alone."""
        bare = estimate_contrast(asked, self.answers)
        return replace(bare, estimate=Estimate(bare.estimate.mean), p=None, uncertainty=None)


def _key(first: str, second: str, over: tuple[str, ...] = ()) -> tuple[frozenset[str], tuple[str, ...]]:
    # Whichever side is better comes first: it is the same difference.
    return frozenset((first, second)), over


def judge(comparison: Comparison) -> list[Verdict]:
    """Return a verdict for every set of test questions: other arms aren't compared."""
    sets = question_sets(comparison.rows)
    return [verdict for rows in sets if (verdict := _judge_set(rows)).rows]


def _judge_set(rows: Sequence[ComparisonRow]) -> Verdict:
    planned_order = [row for row in rows if not row.is_reference]
    trained = sorted(planned_order, key=lambda row: -row.merit)
    untrained = [row for row in rows if row.is_reference]
    best = max(untrained, key=lambda row: row.merit, default=None)
    names, asked = [row.name for row in trained], family_contrasts(planned_order)
    rivals = [row for row in untrained if row is not best and _is_rival(row)]
    family, looks = _family(trained, [*([best] if best else []), *rivals], asked)
    planned = [replace(d, is_planned=True) for d in family.test(asked)]
    pairs = family.test(every_pair(names))
    planned_pairs = {_key(d.better, d.worse): d for d in planned if not d.over}
    gains = _against(names, [best] if best else [])
    return Verdict(
        trained,
        rank_arms(names, pairs),
        [planned_pairs.get(_key(pair.better, pair.worse), pair) for pair in pairs],
        [replace(gain, is_planned=True) for gain in family.test(gains)],
        best.name if best else None,
        [d for d in planned if d.over],
        bool(asked_contrasts(planned_order)),
        looks,
        [replace(rival, is_planned=True) for rival in family.test(_against(names, rivals))],
        untrained,
        find_groups(trained) if trained else None,
    )


def _is_rival(row: ComparisonRow) -> bool:
    return row.arm.is_rival or row.arm.method == FEW_SHOT


def _against(names: Sequence[str], references: Sequence[ComparisonRow]) -> list[Contrast]:
    return [Contrast(name, row.name, {name: 1.0, row.name: -1.0}) for row in references for name in names]


def _family(
    rows: Sequence[ComparisonRow], references: Sequence[ComparisonRow], asked: Sequence[Contrast]
) -> tuple[_Family, LooksTaken | None]:
    own = [*rows, *references]
    family = _Family({row.name: answers_of(row) for row in own})
    study = looked_at(rows)
    plan = planned_looks(study.description) if study else None
    if study is None or plan is None:
        return family, None
    # A study that ended took all its looks, up to the one that settled it.
    every = len(plan.replicates)
    taken = min(len(study.description.get("looks_taken") or []), every) if study.is_running else every
    at_looks = [answers_at(own, count) for count in plan.replicates[:taken]]
    # As the driver took them: a row that nothing trained is no arm that others would have to overtake.
    trained = [{row.name: look[row.name] for row in rows if row.name in look} for look in at_looks]
    outcome = replay(trained, asked, plan)
    if outcome.settled_at is not None:
        taken = outcome.settled_at + 1
    return replace(family, plan=plan, at_looks=at_looks[:taken], outcome=outcome), LooksTaken(
        plan, taken, outcome
    )
