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


@dataclass(frozen=True)
class Plan:
    """What a study will run.

    Attributes:
        models: name -> where each base model was found; empty until the plan is bound.
        data, code_data: where the data were found; None until then, and where none is needed.
        notes: what the user has to know of the data, a line each.
    """

    request: Request
    space: Space
    profile: Profile
    arms: tuple[Arm, ...]
    models: Mapping[str, Source] = field(default_factory=dict)
    data: Source | None = None
    code_data: Source | None = None
    notes: tuple[str, ...] = ()

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
