"""Planned looks: after so many replicates of every arm the study may settle, or stop an arm.

`analysis.looks` judges, from the rows of the results folder and the plan alone, so that a resumed study takes
the same looks with the same outcome. This module asks it, tells the user, and writes it into study.json.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from study.command_line import say
from study.plan import Plan
from study.results import ResultsFolder
from study.room import when_there_is_room
from study.schema import TABLES


def describe_looks(plan: Plan) -> dict[str, Any] | None:
    """Return the plan of the looks as study.json has it; None without any."""
    if not plan.request.looks:
        return None
    from analysis.looks import split_alpha

    return {"replicates": list(plan.request.looks), "weights": list(split_alpha(plan.request.looks))}


class Looks:
    """Takes the looks of a study, each when its last replicate has ended."""

    def __init__(self, folder: ResultsFolder, plan: Plan, console: Console):
        self._folder, self._plan, self._console = folder, plan, console

    def take(self, replicates: int) -> Collection[str] | None:
        """Take the look after so many replicates: the labels of the arms that stop; None: all is settled."""
        from analysis.looks import LookPlan, take_look

        looks = self._plan.request.looks
        assert looks is not None
        self._folder.fetch(self._folder.description_path, *(self._folder.root / table for table in TABLES))
        found = take_look(self._folder.root, LookPlan.of(looks), looks.index(replicates))
        for sentence in found.sentences:
            say(self._console, f"Look after {replicates} replicates: {sentence}")
        self._record(replicates, dict(found.stopped), settled=found.settled)
        return None if found.settled else found.stopped.keys()

    def _record(self, replicates: int, stopped: dict[str, str], *, settled: bool) -> None:
        description = self._folder.read_description()
        taken = [look for look in description["looks_taken"] if look["replicates"] != replicates]
        at = datetime.now(UTC).isoformat(timespec="seconds")
        taken.append({"replicates": replicates, "at": at, "settled": settled, "stopped": stopped})
        description["looks_taken"] = taken
        when_there_is_room(lambda: self._folder.write_description(description))
