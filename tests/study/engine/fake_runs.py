"""Studies of a small plan on a real Ray, with a fake trainer: what the tests of the engine share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.engine.slots import Slots
from study.engine.tuning import run_trials
from study.engine.worker import Job
from study.plan.binding import workplace_of
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.search.search import StudySearch

FAKE = "tests.fake_trainer:run_trial"
SLOTS = Slots(count=2, cpus=1, gpus=0.0)
Rows = dict[str, dict[str, Any]]


class Log(Observer):
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, assignment: Assignment) -> None:
        self.events.append(("started", assignment.config.trial_id))

    def progressed(self, assignment: Assignment, progress: Any) -> None:
        self.events.append(("progressed", assignment.config.trial_id))

    def interrupted(self, assignment: Assignment, reason: str) -> None:
        self.events.append(("interrupted", assignment.config.trial_id))

    def finished(self, assignment: Assignment, row: Any) -> None:
        self.events.append(("finished", row["trial"]))


def run(plan: Plan, root: Path, log: Log, trainer: str = FAKE) -> Rows:
    folder = ResultsFolder(root)
    folder.create()
    finished = {row["trial"]: row for row in folder.read_trials()}
    workplaces = {name: workplace_of(plan, name) for name in plan.models}
    job = Job(workplaces, root, {"study": "test"}, trainer=trainer)
    run_trials(StudySearch(plan, 1, finished), job, SLOTS, [log])
    return {row["trial"]: row for row in folder.read_trials()}


@dataclass(frozen=True)
class Done:
    """A study that ran undisturbed.

    Attributes:
        kept_by_tune: trials in Tune's list, at each of its steps.
    """

    root: Path
    log: Log
    rows: Rows
    kept_by_tune: list[int]
