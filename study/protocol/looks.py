"""What a study asks of the analysis before its end: how many differences it plans, and what its looks show.

A look, after so many replicates of every arm, may settle the study or stop an arm. `analysis.looks` judges,
from the rows of the results folder and the plan alone, so that a resumed study takes the same looks with the
same outcome; this module asks it, tells the user, and writes it into study.json.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from study.command_line import say
from study.errors import StudyFailed, UserError
from study.machine.room import when_there_is_room
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.results.schema import TABLES


def parse_looks(text: str) -> tuple[int, ...]:
    """Return the replicates after which a study looks, from a text like 3,6,12.

    Raises:
        UserError: it is no plan of looks.
    """
    from analysis.errors import AnalysisError
    from analysis.looks import parse_looks

    try:
        return parse_looks(text).replicates
    except AnalysisError as error:
        raise UserError(f"--looks: {error}") from None


def count_contrasts(plan: Plan) -> int:
    """Return how many differences a study plans to test together, at least 1."""
    from analysis.statistics.contrasts import PlannedArm, every_pair, plan_contrasts

    arms = [PlannedArm(arm.label, arm.factors) for arm in plan.compared]
    planned = plan_contrasts(arms, plan.space.compared) or every_pair([arm.name for arm in arms])
    return max(1, len(planned))


def describe_looks(plan: Plan) -> dict[str, Any] | None:
    """Return the plan of the looks as study.json has it; None without any."""
    if not plan.request.looks:
        return None
    from analysis.looks import split_alpha

    looks = plan.request.looks
    return {"replicates": list(looks), "weights": list(split_alpha(len(looks)))}


class Looks:
    """Takes the looks of a study, each when its last replicate has ended."""

    def __init__(self, folder: ResultsFolder, console: Console):
        self._folder, self._console = folder, console

    def take(self, replicates: int) -> Collection[str] | None:
        """Take the look after so many replicates: the labels of the arms that stop; None: all is settled."""
        from analysis.errors import AnalysisError
        from analysis.looks import LookPlan, take_look

        self._folder.fetch(self._folder.description_path, *(self._folder.root / table for table in TABLES))
        planned = self._folder.read_description()["looks"]
        plan = LookPlan(tuple(planned["replicates"]), tuple(planned["weights"]))
        try:
            found = take_look(self._folder.root, plan, plan.replicates.index(replicates))
        except AnalysisError as error:
            raise StudyFailed(f"the look after {replicates} replicates can't be taken: {error}") from None
        if self._record(replicates, dict(found.stopped), settled=found.settled):
            for sentence in found.sentences:
                say(self._console, sentence)
        return None if found.settled else found.stopped.keys()

    def _record(self, replicates: int, stopped: dict[str, str], *, settled: bool) -> bool:
        """Write the look into study.json; say whether it was not there yet, as in a study that goes on."""
        description = self._folder.read_description()
        taken = {look["replicates"]: look for look in description["looks_taken"]}
        known = taken.get(replicates, {})
        if (known.get("settled"), known.get("stopped")) == (settled, stopped):
            return False
        at = datetime.now(UTC).isoformat(timespec="seconds")
        taken[replicates] = {"replicates": replicates, "at": at, "settled": settled, "stopped": stopped}
        description["looks_taken"] = list(taken.values())
        when_there_is_room(lambda: self._folder.write_description(description))
        return True
