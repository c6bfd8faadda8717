"""The plan of a study: what a request comes to, arm by arm, before anything runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from study.plan.arms import Arm
from study.plan.profiles import Profile
from study.plan.request import Request
from study.sources.finding import Source
from study.space import Space
from study.tasks import Score
from study.tasks.finding import MATH_TASK, FoundTask


@dataclass(frozen=True)
class Plan:
    """What a study will run.

    Attributes:
        task: what is asked, and how answers are scored.
        models: name -> where each base model was found; empty until the plan is bound.
        data, code_data: where the data were found; None until then, and where none is needed.
        labels: the distinct answers of the data, where the task's are labels.
        notes: what the user has to know of the data, a line each.
    """

    request: Request
    space: Space
    profile: Profile
    arms: tuple[Arm, ...]
    task: FoundTask = MATH_TASK
    models: Mapping[str, Source] = field(default_factory=dict)
    data: Source | None = None
    code_data: Source | None = None
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def primary(self) -> Score:
        """The score by which the search goes."""
        task = self.task.task
        return task.score(self.request.primary or task.primary)

    @property
    def trials(self) -> int:
        """Trials of all arms and both stages."""
        return sum(arm.trials for arm in self.arms)

    @property
    def compared(self) -> list[Arm]:
        """The arms that train: all but the baselines."""
        return [arm for arm in self.arms if not arm.is_baseline]


def search_width(plan: Plan, slots: int) -> int:
    """Return how many trials of one search may run at once, to keep `slots` slots busy."""
    searches = sum(arm.replicates for arm in plan.compared)
    return max(1, math.ceil(slots / max(1, searches)))
