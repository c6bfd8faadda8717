"""Comparing the arms of studies: their figures, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.arms.arm import Arm
from analysis.arms.costs import find_costs, training_times
from analysis.arms.names import name_arms
from analysis.arms.pooling import pool_arms
from analysis.arms.scores import ANSWERED
from analysis.comparison.estimates import estimate_score
from analysis.comparison.notes import notes_on
from analysis.comparison.paper import paper_row
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.comparison.scales import perplexity_scale
from analysis.comparison.tasks import common_task
from analysis.errors import AnalysisError
from analysis.reading.folders import Study
from analysis.statistics.intervals import Estimate, mean_interval, perplexity_interval, share_interval


def comparison(studies: Sequence[Study]) -> Comparison:
    """Return the figures of every arm of `studies`: arms in their planned order, reference rows last.

    Raises:
        AnalysisError: the studies are of several tasks, or go by several scores.
    """
    task, versions = common_task(studies)
    arms, pooled = pool_arms(studies)
    arms.sort(key=lambda arm: arm.is_reference)
    scales = _letters([perplexity_scale(arm) for arm in arms])
    sets = _letters([arm.scores.questions.tobytes() if arm.scores else None for arm in arms])
    names = name_arms(arms)
    rows = _time([_row(*parts) for parts in zip(arms, names, scales, sets, strict=True)])
    return Comparison(rows, [*versions, *pooled, *notes_on(studies, rows)], task)


def _time(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """Say of each row how its training times compare with those of the rows that it is judged with."""
    sets = {row.question_set for row in rows}
    times = {own: training_times([row.arm for row in rows if row.question_set == own]) for own in sets}
    return [replace(row, times=times[row.question_set]) for row in rows]


def _row(arm: Arm, name: str, scale: str | None, question_set: str | None) -> ComparisonRow:
    scores = arm.scores
    return ComparisonRow(
        name=name,
        arm=arm,
        repeats=scores.repeats if scores else 0,
        unit=arm.unit,
        planned=arm.planned,
        trials=len(arm.scored_trials),
        questions=len(scores.questions) if scores else 0,
        unfinished=dict(arm.unfinished),
        estimates=_score_estimates(arm),
        costs=find_costs(arm),
        perplexity_scale=scale,
        question_set=question_set,
        paper=paper_row(arm),
    )


def _score_estimates(arm: Arm) -> dict[str, Estimate]:
    if arm.scores is None:
        return {}
    matrices, fixed, task = arm.scores.matrices, arm.is_reference, arm.task
    found = {
        score.name: estimate_score(matrices[score.name], score, fixed)
        for score in task.scores
        if score.name in matrices
    }
    if ANSWERED in matrices and ANSWERED not in found:
        found[ANSWERED] = share_interval(matrices[ANSWERED], fixed).scaled(100)
    found |= {name: mean_interval(matrices[name], fixed) for name in task.means if name in matrices}
    if "nll" in matrices and "tokens" in matrices and matrices["tokens"].sum() > 0:
        found["perplexity"] = perplexity_interval(matrices["nll"], matrices["tokens"], fixed)
    return found


def _letters(keys: Sequence[bytes | None]) -> list[str | None]:
    order: dict[bytes, str] = {}
    for key in keys:
        if key is not None:
            order.setdefault(key, _letter(len(order)))
    return [None if key is None else order[key] for key in keys]


def _letter(index: int) -> str:
    """Return a, b, ... z, aa, ab, ...: no two alike."""
    more, last = divmod(index, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + last)


def compare_finished(studies: Sequence[Study]) -> Comparison:
    """Return the comparison of studies of which at least one trial is finished.

    Raises:
        AnalysisError: none is.
    """
    if not any(study.trials for study in studies):
        left_out = [str(exclusion) for study in studies for exclusion in study.exclusions]
        why = f" (left out: {'; '.join(left_out[:3])})" if left_out else ""
        raise AnalysisError(f"no trial is finished in {', '.join(str(study.root) for study in studies)}{why}")
    return comparison(studies)
