"""Arms of several studies as one: more replicates of the same recipe, and not more arms.

Arms are pooled where their configuration spaces, data and test questions are equal: the same values, ranges,
guesses, number of search trials and of confirm seeds. Two studies of one search each become two replicates of
nested seeds. A trial that several folders hold (a copy of a study, or one that went on elsewhere) counts
once, and so do the rows without training.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from analysis.arms.arm import Arm
from analysis.arms.grouping import group_arms, keep_latest
from analysis.reading.folders import Row, Study

# What tells a study's replicates apart, and where things lie: no part of a configuration space. What lies
# there is known by its fingerprint.
_NOT_COMPARED = ("seed", "search_seed", "split_seed", "data", "code_data")


def pool_arms(studies: Sequence[Study]) -> tuple[list[Arm], list[str]]:
    """Return the arms of all studies, equal ones pooled, and a sentence for each pooling."""
    arms = [arm for study in studies for arm in group_arms(study)]
    groups: dict[str, list[Arm]] = {}
    for place, arm in enumerate(arms):
        # An arm of which too little is known is nobody's equal, and none is one of its own study's.
        equal = groups.setdefault(_space_of(arm) or str(place), [])
        if any(other.study is arm.study for other in equal):
            equal = groups.setdefault(str(place), [])
        equal.append(arm)
    same = [equal for group in groups.values() for equal in _by_questions(group)]
    places = {id(arm): place for place, arm in enumerate(arms)}
    pooled = [_pool(equal) for equal in sorted(same, key=lambda equal: places[id(equal[0])])]
    return pooled, _notes(pooled)


def _space_of(arm: Arm) -> str | None:
    """Return an arm's configuration space and data as text; None where its plan doesn't say."""
    values = arm.plan.get("values")
    if not isinstance(values, dict):
        return None
    space = {
        "factors": arm.plan.get("factors"),
        "values": {name: value for name, value in values.items() if name not in _NOT_COMPARED},
        "ranges": arm.plan.get("ranges"),
        "guesses": arm.plan.get("guesses"),
        # Of an untrained row there is one, whatever its seed.
        "protocol": None if arm.is_reference else (arm.search_trials, arm.confirm_seeds),
    }
    if not values.get("data_fingerprint"):
        space["data"] = sorted({str(row.get("source_data_fingerprint")) for row in arm.confirm or arm.search})
    return json.dumps(space, sort_keys=True, default=str)


def _by_questions(arms: Sequence[Arm]) -> list[list[Arm]]:
    """Return arms of one space by their test questions; one without scores goes with the first."""
    sets: dict[bytes, list[Arm]] = {}
    unscored = []
    for arm in arms:
        if arm.trial_scores is None:
            unscored.append(arm)
        else:
            sets.setdefault(arm.trial_scores.questions.tobytes(), []).append(arm)
    groups = list(sets.values()) or [[]]
    groups[0] += unscored
    return groups


def _pool(arms: Sequence[Arm]) -> Arm:
    first = arms[0]
    if len(arms) == 1:
        return first
    pooled = Arm(
        first.study,
        first.label,
        confirm=_distinct([row for arm in arms for row in arm.confirm]),
        search=_distinct([row for arm in arms for row in arm.search]),
        unfinished=sum((arm.unfinished for arm in _originals(arms)), Counter()),
        replicates=1 if first.is_reference else _planned_replicates(arms),
        search_trials=first.search_trials,
        confirm_seeds=first.confirm_seeds,
        plan=first.plan,
        parts=tuple(arms),
    )
    if first.is_reference:
        # Nothing was trained, nothing varies: the first study's row stands for all.
        pooled.confirm = pooled.confirm[:1]
    keep_latest(pooled)
    return pooled


def _distinct(rows: Sequence[Row]) -> list[Row]:
    return list({row["trial"]: row for row in reversed(rows)}.values())[::-1]


def _originals(arms: Sequence[Arm]) -> list[Arm]:
    """Return one arm for each study's seed: the others are copies, the largest is the whole."""
    largest: dict[str, Arm] = {}
    for arm in arms:
        seed = str(arm.study.description.get("seed"))
        if seed not in largest or (arm.replicates or 0) > (largest[seed].replicates or 0):
            largest[seed] = arm
    return list(largest.values())


def _planned_replicates(arms: Sequence[Arm]) -> int | None:
    counts = [arm.replicates for arm in _originals(arms)]
    return None if None in counts else sum(count or 0 for count in counts)


def _notes(arms: Sequence[Arm]) -> list[str]:
    """Return what was pooled, a sentence for each set of studies, and which trials were counted once."""
    pools: dict[tuple[str, ...], list[Arm]] = {}
    for arm in arms:
        if arm.parts:
            pools.setdefault(tuple(study.name for study in arm.studies), []).append(arm)
    return [note for names, own in pools.items() for note in _pool_notes(names, own)]


def _pool_notes(names: Sequence[str], arms: Sequence[Arm]) -> list[str]:
    studies = " and ".join([", ".join(names[:-1]), names[-1]])
    trained = [arm for arm in arms if not arm.is_reference]
    seeds = {str(study.description.get("seed")) for arm in arms for study in arm.studies}
    notes = []
    if trained and len(seeds) > 1:
        labels = ", ".join(arm.label for arm in trained)
        notes.append(
            f"Pooled, for their configuration spaces, data and test questions are equal: the replicates of "
            f"{studies} ({labels}). The rows without training count once."
        )
    copies = sum(_copied(arm) for arm in trained)
    if copies:
        what = "1 trial stands" if copies == 1 else f"{copies} trials stand"
        notes.append(f"{what} in more than one of {studies}: each counts once.")
    return notes


def _copied(arm: Arm) -> int:
    held = Counter(row["trial"] for part in arm.parts for row in [*part.confirm, *part.search])
    return sum(count > 1 for count in held.values())
