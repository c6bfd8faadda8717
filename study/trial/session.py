"""One training session: what a phase of a trial trains on and how, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from study.config import TrialConfig
from study.trial.recipe import Recipe
from study.trial.tokenised import Examples
from study.workplace import Workplace

OnLog = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Session:
    """What a phase trains on, and how.

    Attributes:
        config, workplace: the trial's.
        recipe: the phase's.
        precision: in which it computes, "bf16" or "fp32".
        tokenizer: the model's.
        examples: what it trains on.
        validation: what its validation losses are taken on.
    """

    config: TrialConfig
    workplace: Workplace
    recipe: Recipe
    precision: str
    tokenizer: Any
    examples: Examples
    validation: Examples


@dataclass
class Training:
    """What a phase leaves behind.

    Attributes:
        history: rows of the history table, without the trial's id.
        steps: optimizer steps taken.
        seconds: wall time of the loop, validation losses included.
        processor_seconds: processor time of this process in the loop, all its threads together.
        tokens: tokens trained on, padding not counted.
        first_loss: the loss of the first batch, nats a token; None before it.
        losses: those of the batches since the last row of `history`, added up, and their number.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    tokens: int = 0
    first_loss: float | None = None
    losses: tuple[float, int] = (0.0, 0)

    def add_loss(self, loss: float) -> None:
        """Take in a batch's loss, nats a token."""
        total, batches = self.losses
        self.losses = (total + loss, batches + 1)

    def take_mean_loss(self) -> float:
        """Return the mean loss since the last call."""
        (total, batches), self.losses = self.losses, (0.0, 0)
        return total / batches
