"""What each search chose: every replicate's winning trial, its hyperparameters, validation and test score.

A replicate's confirm trials score the model of one of its search trials (`trained_by`), or train the
configuration of one anew. A replicate without a finished confirm trial has chosen nothing yet.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.arms.arm import Arm, Replicate
from analysis.reading.folders import Row
from analysis.reading.tasks import MATH, Score
from analysis.searching.ranges import searched_hyperparameters
from analysis.units import show_value, show_values


@dataclass(frozen=True)
class Choice:
    """What one replicate's search chose.

    Attributes:
        replicate: its number from 1, with its study's name where arms were pooled; empty where there is one.
        won: the search trial that won; None where its row is gone.
        confirm: the confirm trials of its configuration, one at least, in the order of their seeds.
        tests: the primary score on the test split of those whose answers are on record and agree with it.
        searched: the names of the arm's searched hyperparameters.
        primary: the primary score.
    """

    replicate: str
    won: Row | None
    confirm: Sequence[Row]
    tests: Sequence[float]
    searched: Sequence[str]
    primary: Score = MATH.primary

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The searched hyperparameters, as chosen."""
        return {name: self.confirm[0].get(name) for name in self.searched}

    @property
    def validation(self) -> float | None:
        """The winner's primary score on the validation split: the best of a search, so too good."""
        return None if self.won is None else self.won.get(self.primary.name)

    @property
    def search_score(self) -> float | None:
        """What the search ranked it by."""
        return None if self.won is None else self.won.get("search_score")


def find_choices(arm: Arm) -> list[Choice]:
    """Return what the replicates of an arm chose, in their order; nothing for an arm without a search."""
    names = searched_hyperparameters(arm)
    if not arm.search and not names:
        return []
    groups: dict[Replicate, list[Row]] = {}
    for row in arm.confirm:
        groups.setdefault(arm.replicate_of(row), []).append(row)
    primary = arm.task.primary
    scored = {row["trial"]: row.get(primary.name) for row in arm.scored_trials}
    found = []
    for rows in groups.values():
        tests = [share for row in rows if (share := scored.get(row["trial"])) is not None]
        won = _winner(arm, rows[0], names)
        found.append(Choice(name_replicate(arm, rows[0]), won, rows, tests, names, primary))
    return found


def name_replicate(arm: Arm, row: Row) -> str:
    """Return a trial's replicate as people count, from 1, with its study where arms were pooled.

    Empty where there is none. The column `replicate` counts from 0.
    """
    number = "" if row.get("replicate") is None else str(row["replicate"] + 1)
    return f"{arm.study_of(row).name} {number}".rstrip() if arm.parts else number


def _winner(arm: Arm, confirm: Row, names: Sequence[str]) -> Row | None:
    if (trained_by := confirm.get("trained_by")) is not None:
        return next((row for row in arm.search if row["trial"] == trained_by), None)
    same = [
        row
        for row in arm.search
        if row.get("status") == "complete"
        and arm.replicate_of(row) == arm.replicate_of(confirm)
        and all(row.get(name) == confirm.get(name) for name in names)
    ]
    return min(same, key=lambda row: row.get("search_number") or 0, default=None)


def kept_choice(choices: Sequence[Choice]) -> Choice | None:
    """Return the choice whose model is kept: the best by validation, the first of equals."""
    known = [choice for choice in choices if choice.search_score is not None]
    return max(known, key=lambda choice: choice.search_score or 0.0, default=None)


def describe_spread(choices: Sequence[Choice]) -> str:
    """Return the chosen hyperparameters of all replicates in words: rank 8 to 32, most often 8; ..."""
    names = dict.fromkeys(name for choice in choices for name in choice.searched)
    parts = [_spread(name, [choice.hyperparameters.get(name) for choice in choices]) for name in names]
    return "; ".join(part for part in parts if part)


def _spread(name: str, values: Sequence[Any]) -> str:
    counts = Counter(value for value in values if value is not None)
    if not counts:
        return ""
    label, distinct = name.replace("_", " "), sorted(counts, key=value_order)
    if len(distinct) == 1:
        return f"{label} {show_value(distinct[0])}"
    (commonest, count), (_, next_count) = counts.most_common(2)
    often = f", most often {show_value(commonest)}" if count > next_count else ""
    if any(isinstance(value, str) for value in distinct):
        return f"{label} {' or '.join(map(str, distinct))}{often}"
    return f"{label} {show_value(distinct[0])} to {show_value(distinct[-1])}{often}"


def describe_choice(choice: Choice) -> str:
    """Return one replicate's hyperparameters in words: rank 8, learning rate 0.0031."""
    return show_values(choice.hyperparameters)


def value_order(value: Any) -> tuple[bool, Any]:
    """Return the key by which the values of a hyperparameter are sorted: numbers, then texts."""
    return isinstance(value, str), value


def overstatement(choices: Sequence[Choice]) -> str | None:
    """Return how much validation promised that test did not keep, in a sentence; None where it is unknown."""
    pairs = [
        (c.validation, statistics.fmean(c.tests)) for c in choices if c.validation is not None and c.tests
    ]
    if not pairs:
        return None
    measure = choices[0].primary.measure
    gap = statistics.fmean(validation - test for validation, test in pairs)
    ahead = measure.sign * gap
    count = f"mean over {len(pairs)} choices" if len(pairs) > 1 else "one choice"
    more, unit = "less" if measure.lower_is_better else "more", measure.difference_suffix
    # A gap that would be written as 0 is none.
    if ahead <= 0 or (measure.digits is not None and ahead < 0.5 * 10**-measure.digits):
        (shown,) = measure.write(gap, signed=True)
        return f"On validation the chosen models scored no {more} than on test ({shown}{unit}; {count})."
    (shown,) = measure.write(ahead)
    return (
        f"On validation the chosen models scored {shown}{unit} {more} than on test ({count}): the best of a "
        "search is partly the luckiest, which is why its validation score supports no claim."
    )
