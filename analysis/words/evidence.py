"""What a difference rests on, in words: whole searches that were repeated, or one search an arm.

A difference over replicates is one between recipes. With one search an arm it is one between the two
configurations that these searches happened to find, and its interval leaves the search out; every sentence
then says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.arms.arm import Arm
from analysis.comparison.rows import ComparisonRow
from analysis.statistics.differences import Difference
from analysis.units import show_values
from analysis.words.phrases import count_range, difference_sentence, join_names


def evidence_sentence(difference: Difference, rows: Sequence[ComparisonRow]) -> str:
    """Return a difference with what it rests on, without a full stop; `rows` hold its arms.

    Over 8 independent searches of 2 trials, lora beats qlora by 3.1 points (95%: 1.0 to 5.2, p = 0.012).
    """
    own = [row for row in rows if row.name in difference.arms and not row.is_reference]
    said = difference_sentence(difference)
    if all(row.unit == "replicate" for row in own):
        return f"Over {_repeats(difference, own)}, {said}"
    if not any(is_searched(row.arm) for row in own):
        return f"Over {count_range(difference.repeats)} trainings of each configuration, {said}"
    return f"With {found_configurations(difference, own)}, {said}; the interval leaves the search out"


def _repeats(difference: Difference, rows: Sequence[ComparisonRow]) -> str:
    count = count_range(difference.repeats)
    if not any(is_searched(row.arm) for row in rows):
        return f"{count} independent trainings"
    trials = {row.arm.search_trials for row in rows}
    if None in trials:
        return f"{count} independent searches"
    numbers = sorted(number or 0 for number in trials)
    plural = "" if numbers == [1] else "s"
    return f"{count} independent searches of {join_names([str(n) for n in numbers], 'or')} trial{plural}"


def is_searched(arm: Arm) -> bool:
    """Say whether an arm's configuration was searched: it has ranges, or, without a plan, search trials."""
    ranges = arm.plan.get("ranges")
    return bool(arm.search) if ranges is None else bool(ranges)


def found_configurations(difference: Difference, rows: Sequence[ComparisonRow]) -> str:
    """Return what one search an arm found: of a pair both configurations, the better arm's first."""
    said = "the configurations that these searches found"
    if difference.over:
        return said
    found = {row.name: describe_configuration(row.arm) for row in rows}
    pair = [found.get(difference.better, ""), found.get(difference.worse, "")]
    return f"{said} ({' against '.join(pair)})" if all(pair) else said


def describe_configuration(arm: Arm) -> str:
    """Return the searched hyperparameters of an arm's confirm trials: rank 8, learning rate 0.0031.

    Empty where they have several configurations, or the plan doesn't say what was searched.
    """
    names = list(arm.plan.get("ranges") or {})
    values = {name: {row.get(name) for row in arm.confirm} - {None} for name in names}
    if any(len(found) > 1 for found in values.values()):
        return ""
    return show_values({name: found.pop() for name, found in values.items() if found})
