"""The recipe of a phase of training: its steps and its learning rate, from the trial's configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass

from study.config import TrialConfig
from study.methods.method import Phase


@dataclass(frozen=True)
class Recipe:
    """How one phase trains: the steps, the peak learning rate, and which phase of the trial it is."""

    steps: int
    learning_rate: float
    phase: int = 1


def recipe_of(config: TrialConfig, phase: Phase, rows: int) -> Recipe:
    """Return the recipe of a phase over so many rows of its split."""
    learning_rate, max_steps = getattr(config, phase.learning_rate), getattr(config, phase.max_steps)
    assert config.batch_size is not None
    if max_steps is None:
        epochs = getattr(config, phase.epochs)
        max_steps = max(1, math.ceil(epochs * math.ceil(rows / config.batch_size)))
    return Recipe(max_steps, learning_rate, phase.number)
