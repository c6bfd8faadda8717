"""Trials on record: what earlier studies of the same arms tell about how much replicates differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.plan.plan import Plan
from study.protocol.description import describe_arm
from study.results.folder import ResultsFolder

COLUMNS = ("study", "arm", "stage", "status", "replicate", "score", "accuracy", "questions")
# The latest so many studies are looked at, and none of more trials than this: it is to take no time.
MOST_STUDIES, MOST_TRIALS = 5, 500
# What makes two searches the same, of an arm in study.json.
_SEARCH = ("values", "ranges", "guesses", "search_trials", "confirm_seeds")


def read_earlier_trials(parent: Path, plan: Plan) -> list[Mapping[str, Any]]:
    """Return the rows of the arms of a bound plan in the studies that lie in `parent`.

    An arm is the same if its search is: the same configuration values, ranges, and trials of a search.
    """
    found: dict[str, Mapping[str, Any]] = {}  # a study that was copied, or repeated, has its trials once
    for path in sorted(parent.glob("*/study.json"), key=_age)[:MOST_STUDIES]:
        folder = ResultsFolder(path.parent)
        labels = _same_arms(folder, plan)
        if labels and len(folder.trial_ids()) <= MOST_TRIALS:
            found |= {row["trial"]: row for row in folder.read_trials(COLUMNS) if row["arm"] in labels}
    return list(found.values())


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _same_arms(folder: ResultsFolder, plan: Plan) -> set[str]:
    try:
        arms = folder.read_description()["arms"]
        then = {arm["label"]: {name: arm[name] for name in _SEARCH} for arm in arms}
    except (UserError, KeyError, TypeError, AttributeError):
        return set()
    now = {arm.label: describe_arm(arm) for arm in plan.compared}
    return {label for label, arm in now.items() if then.get(label) == {name: arm[name] for name in _SEARCH}}
