"""A look at a study while it runs: what it stops, and whether anything is open any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.families import answers_at, family_contrasts, question_sets
from analysis.statistics.differences import Difference
from analysis.statistics.sequential import LookPlan, Outcome, replay


@dataclass(frozen=True)
class Decision:
    """What a look decided.

    Attributes:
        stopped: label of an arm -> why it need not run on; those that this look stops.
        settled: whether nothing that was planned is open any more.
        differences: the planned ones, as this look and those before it show them.
    """

    stopped: dict[str, str]
    settled: bool
    differences: list[Difference]


def decide(comparison: Comparison, plan: LookPlan, look: int) -> Decision:
    """Return what look number `look` (from 0) decides, from the finished rows of a study.

    The looks before it are taken again: what they stopped or decided follows from the rows as well. Arms
    with other test questions are not compared, and each set of questions is settled for itself.
    """
    rows = comparison.trained
    outcomes = [_outcome(own, plan, look) for own in question_sets(rows)]
    labels = {row.name: row.arm.label for row in rows}
    stopped = {
        labels[name]: stop.reason
        for outcome in outcomes
        for name, stop in outcome.stopped.items()
        if stop.look == look
    }
    settled = bool(outcomes) and all(outcome.settled_at is not None for outcome in outcomes)
    return Decision(stopped, settled, [found for outcome in outcomes for found in outcome.differences])


def _outcome(rows: Sequence[ComparisonRow], plan: LookPlan, look: int) -> Outcome:
    at_looks = [answers_at(rows, count) for count in plan.replicates[: look + 1]]
    return replay(at_looks, family_contrasts(rows), plan)
