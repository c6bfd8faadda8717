"""A method: one way to make a language model answer, and all that a study has to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution

# The settings that not every method takes, by what it takes them for.
ADAPTER_SETTINGS = ("rank", "alpha", "lora_dropout", "target_modules")
TRAINING_SETTINGS = ("batch_size", "max_steps", "epochs", "learning_rate", "evaluations")
SECOND_SETTINGS = (
    ("second_rank", "second_alpha", "second_learning_rate")
    + ("second_max_steps", "second_epochs")
)  # fmt: skip


@dataclass(frozen=True)
class Phase:
    """One of the trainings that a trial is made of, one after another.

    Attributes:
        number: 1 for the first.
        split: what it trains on: "train", or "code", the second data set.
        learning_rate, max_steps, epochs: the settings that say how it trains.
    """

    number: int
    split: str
    learning_rate: str
    max_steps: str
    epochs: str


ONE_PHASE = (Phase(1, "train", "learning_rate", "max_steps", "epochs"),)
TWO_PHASES = (
    *ONE_PHASE,
    Phase(2, "code", "second_learning_rate", "second_max_steps", "second_epochs"),
)


@dataclass(frozen=True)
class Scale:
    """What a method starts from, and searches, at the scale of one profile.

    Attributes:
        defaults: setting -> value, where nobody says otherwise.
        ranges: hyperparameter -> the range in which it is searched, where a space searches it.
    """

    defaults: Mapping[str, Any]
    ranges: Mapping[str, BaseDistribution]


@dataclass(frozen=True)
class Method:
    """A row of the table of methods (`study.methods.table`).

    Attributes:
        name: as it stands in spaces, in `--set method=` and in the results.
        builder: the object that builds its model and names its optimizer, a `study.models.building.Builder`,
            as "module:name": only the process that trains imports it. None: a floor, or a rival, which has
            no language model.
        phases: its trainings; none: nothing trains, and the study runs it beside every space.
        trains_adapter: whether an adapter trains; otherwise the model itself does.
        quantizations: how its base may be stored; more than "none" makes that a setting of the method.
        scales: profile -> where it starts and what it searches; a profile without it can't run it.
    """

    name: str
    builder: str | None
    phases: tuple[Phase, ...] = ()
    trains_adapter: bool = False
    quantizations: tuple[str, ...] = ("none",)
    scales: Mapping[str, Scale] = field(default_factory=dict)

    @property
    def is_trained(self) -> bool:
        """Whether anything trains."""
        return bool(self.phases)

    @property
    def is_floor(self) -> bool:
        """Whether it answers without a language model: a floor, or a rival that is none."""
        return self.builder is None

    @property
    def quantizes(self) -> bool:
        """Whether its base is stored in few bits."""
        return self.quantizations != ("none",)

    @property
    def has_second_phase(self) -> bool:
        """Whether it trains a second adapter, on the second data set."""
        return len(self.phases) > 1

    def takes(self, setting: str) -> bool:
        """Tell whether it has that setting; those that no method has to itself are everybody's."""
        if setting in ADAPTER_SETTINGS:
            return self.trains_adapter
        if setting in SECOND_SETTINGS:
            return self.has_second_phase
        if setting in TRAINING_SETTINGS:
            return self.is_trained
        return setting != "quantization" or self.quantizes
