"""The recipe of a phase of training: its steps and its learning rate, from the trial's configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass

from study.config import TrialConfig


@dataclass(frozen=True)
class Recipe:
    """How one phase trains: the steps, the peak learning rate, and which phase of the trial it is."""

    steps: int
    learning_rate: float
    phase: int = 1


def first_recipe(config: TrialConfig, questions: int) -> Recipe:
    """Return the recipe of a trial's only, or first, phase over so many training questions."""
    assert config.learning_rate is not None
    steps = _steps(config, questions, config.max_steps, config.epochs)
    return Recipe(steps, config.learning_rate)


def second_recipe(config: TrialConfig, questions: int) -> Recipe:
    """Return the recipe of stacked LoRA's second phase over so many rows of code data."""
    assert config.second_learning_rate is not None
    steps = _steps(config, questions, config.second_max_steps, config.second_epochs)
    return Recipe(steps, config.second_learning_rate, phase=2)


def _steps(config: TrialConfig, questions: int, max_steps: int | None, epochs: float | None) -> int:
    if max_steps is not None:
        return max_steps
    assert epochs is not None
    assert config.batch_size is not None
    return max(1, math.ceil(epochs * math.ceil(questions / config.batch_size)))
