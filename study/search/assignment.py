"""A trial to run, as the search hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from study.config import TrialConfig
from study.plan.arms import Arm


@dataclass(frozen=True)
class Assignment:
    """A trial to run.

    Attributes:
        arm, replicate, config: its arm, which of the arm's replicates it is in, and its configuration.
        number: its number in the replicate's search; None in the confirm stage.
        confirm_number: its number among the replicate's confirm trials; None in the search stage.
        origin: who proposed it: "guess", "random" or "tpe"; None in the confirm stage.
        cutoffs: the losses above which early stopping ends it, for each rung; empty: it is never stopped.
    """

    arm: Arm
    replicate: int
    config: TrialConfig
    number: int | None = None
    confirm_number: int | None = None
    origin: str | None = None
    cutoffs: tuple[float | None, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of its row that only the search knows."""
        return {
            "arm": self.arm.label,
            "replicate": None if self.arm.is_baseline else self.replicate,
            "search_number": self.number,
            "search_origin": self.origin,
        }

    @property
    def keeps_its_model(self) -> bool:
        """Whether its model may become its arm's: it is written before it is scored.

        Where a search's own models are scored, that may be any of them. Where its configuration is trained
        anew, it is the first of these: choosing by test accuracy would be a selection on the test split.
        """
        if self.arm.is_baseline:
            return False
        return self.confirm_number == 0 if self.arm.confirm_seeds else self.number is not None
