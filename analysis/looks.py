"""Looks at a study while it runs: the plan from the command line, and what the driver asks at each look.

`analysis.statistics.sequential` has the rules. A look is a function of the finished rows in the folder: a
study that goes on takes the same looks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from analysis.comparison.rows import ComparisonRow, comparison
from analysis.errors import AnalysisError
from analysis.judgement.verdicts import answers_at, family_contrasts, question_sets
from analysis.reading.folders import open_studies
from analysis.statistics.sequential import LookPlan, Outcome, replay
from analysis.words.phrases import difference_sentence


@dataclass(frozen=True)
class Look:
    """What a look decided.

    Attributes:
        stopped: arm -> why it need not run on, in words; those that this look stops.
        settled: whether nothing that was planned is open any more: no arm need run on.
        sentences: what the look showed, for people.
    """

    stopped: dict[str, str]
    settled: bool
    sentences: list[str]


def split_alpha(looks: int) -> tuple[float, ...]:
    """Return each look's share of the 5%: in proportion to 2, 3, 5, 8, ..., each the sum of the two before.

    Three looks get 0.2, 0.3 and 0.5. Early looks get least, so that a study that runs to its end loses
    little power.
    """
    parts = [2, 3]
    while len(parts) < looks:
        parts.append(parts[-1] + parts[-2])
    return tuple(part / sum(parts[:looks]) for part in parts[:looks])


def parse_looks(text: str, replicates: int | None = None) -> LookPlan:
    """Return the plan of looks from a text like 3,6,12; the last look is after all `replicates`.

    Raises:
        AnalysisError: it is none.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise AnalysisError(f"looks must be numbers of replicates with commas (3,6,12), received '{text}'")
    numbers = [int(word) for word in words]
    if numbers[0] < 2:
        raise AnalysisError(f"the first look must be after 2 replicates or more, received '{text}'")
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise AnalysisError(f"looks must increase (3,6,12), received '{text}'")
    if replicates is not None and numbers[-1] != replicates:
        raise AnalysisError(f"the last look must be after all {replicates} replicates, received '{text}'")
    return LookPlan(tuple(numbers), split_alpha(len(numbers)))


def take_look(folder: Path, plan: LookPlan, look: int) -> Look:
    """Return what look number `look` (from 0) decides, from the finished rows of a study's folder.

    The looks before it are taken again: what they stopped or decided follows from the rows as well. Arms
    with other test questions are not compared, and each set of questions is settled for itself.

    Raises:
        AnalysisError: the folder holds no study.
    """
    rows = [row for row in comparison(open_studies([folder])).rows if not row.is_reference]
    outcomes = [_outcome(own, plan, look) for own in question_sets(rows)]
    labels = {row.name: row.arm.label for row in rows}
    stopped = {
        labels[name]: stop.reason
        for outcome in outcomes
        for name, stop in outcome.stopped.items()
        if stop.look == look
    }
    settled = bool(outcomes) and all(outcome.settled_at is not None for outcome in outcomes)
    return Look(stopped, settled, _sentences(outcomes, stopped, settled, plan, look))


def _outcome(rows: list[ComparisonRow], plan: LookPlan, look: int) -> Outcome:
    at_looks = [answers_at(rows, count) for count in plan.replicates[: look + 1]]
    return replay(at_looks, family_contrasts(rows), plan)


def _sentences(
    outcomes: list[Outcome], stopped: dict[str, str], settled: bool, plan: LookPlan, look: int
) -> list[str]:
    after = plan.replicates[look]
    differences = [difference for outcome in outcomes for difference in outcome.differences]
    decided = [difference for difference in differences if difference.decided_at is not None]
    lines = [
        f"Look after {after} of {plan.replicates[-1]} replicates: {len(decided)} of {len(differences)} "
        "planned differences are decided."
    ]
    lines += [f"{difference_sentence(d)}." for d in decided if d.decided_at == after]
    lines += [f"{name} stops: {reason}." for name, reason in stopped.items()]
    if settled:
        lines.append("Nothing planned is open any more.")
    return lines
