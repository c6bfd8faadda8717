"""What is tested together: the rows of one set of questions, what was asked of them, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.comparison.rows import ComparisonRow, studies_of
from analysis.reading.folders import Row, Study
from analysis.statistics.contrasts import (
    FACTORS,
    Contrast,
    PlannedArm,
    every_pair,
    plan_contrasts,
)
from analysis.statistics.differences import Answers
from analysis.statistics.sequential import LookPlan


def question_sets(rows: Sequence[ComparisonRow]) -> list[list[ComparisonRow]]:
    """Return the rows that have the primary score, by the questions that they answered."""
    sets: dict[str, list[ComparisonRow]] = {}
    for row in rows:
        if row.question_set is not None and row.primary is not None:
            sets.setdefault(row.question_set, []).append(row)
    return list(sets.values())


def family_contrasts(rows: Sequence[ComparisonRow]) -> list[Contrast]:
    """Return what is tested together: what the studies plan, all pairs where they plan nothing."""
    return asked_contrasts(rows) or every_pair([row.name for row in rows])


def asked_contrasts(rows: Sequence[ComparisonRow]) -> list[Contrast]:
    """Return the contrasts that the arms' studies plan."""
    arms = [
        PlannedArm(row.name, _factors(row), frozenset(study.root for study in row.arm.studies))
        for row in rows
    ]
    named = [study.description.get("compared") for study in studies_of(rows)]
    if not all(isinstance(names, list) for names in named):
        return plan_contrasts(arms)
    return plan_contrasts(arms, {str(name) for names in named for name in names or []})


def _factors(row: ComparisonRow) -> Mapping[str, object]:
    planned = row.arm.plan.get("factors")
    if isinstance(planned, dict):
        return planned
    # A rank that nobody planned was searched: it is no factor.
    return {name: row.arm.factor(name) for name in FACTORS if name != "rank"}


def looked_at(rows: Sequence[ComparisonRow]) -> Study | None:
    """Return the one study whose looks count: its arms are not pooled, and it was not extended since."""
    studies = studies_of(rows)
    if len(studies) != 1:
        return None
    (study,) = studies
    return None if study.description.get("extensions") else study


def answers_of(row: ComparisonRow) -> Answers:
    """Return an arm's primary score of every question in its unit, so that more is better."""
    assert row.arm.scores is not None
    score = row.task.primary
    matrix = score.measure.sign * score.factor * row.arm.scores.matrices[score.name]
    return Answers(row.name, matrix, row.is_reference, score.measure)


def answers_at(rows: Sequence[ComparisonRow], replicates: int) -> dict[str, Answers]:
    """Return the answers of the arms in their first replicates; an arm without any is left out."""
    found = {}
    for row in rows:
        everything = answers_of(row)
        kept = [place for place, number in enumerate(_replicates(row)) if number < replicates]
        if row.is_reference:
            found[row.name] = everything
        elif kept:
            found[row.name] = replace(everything, scores=everything.scores[kept])
    return found


def _replicates(row: ComparisonRow) -> list[int]:
    """Return the number of each scored replicate, in the order of the scores' rows."""
    return list(dict.fromkeys(row.arm.replicate_of(trial)[1] for trial in row.arm.scored_trials))


def planned_looks(description: Row) -> LookPlan | None:
    """Return the looks that a study.json planned; None where it planned none."""
    looks = description.get("looks")
    if not isinstance(looks, dict):
        return None
    return LookPlan(tuple(looks["replicates"]), tuple(looks["weights"]))
