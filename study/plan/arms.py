"""An arm of a study: one combination of the compared factors, and the configurations of its trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution

from study.config import TrialConfig, make_config
from study.methods.method import Method
from study.methods.table import METHODS
from study.plan.seeds import Role, derive_seed


@dataclass(frozen=True)
class Arm:
    """One combination of the compared factors.

    A replicate is one whole pass of the arm through both stages: its own validation split, its own search,
    and a confirm stage of what that search found.

    Attributes:
        label: its name for people, unique in its study.
        slug: the label as a folder's name, unique on every file system.
        factors: factor -> value, as they stand in the results.
        values: configuration values of all its trials.
        ranges: hyperparameter -> range, searched within the arm.
        guesses: what a search tries first: the profile's own values of what is searched, then the space's.
        replicates: passes through both stages.
        search_trials: trials of each replicate's search.
        confirm_seeds: trainings anew of what it found, each with a seed of its own; 0: the model that the
            search found best is scored as it is.
        seed: of the whole study.
    """

    label: str
    slug: str
    factors: Mapping[str, Any]
    values: Mapping[str, Any]
    ranges: Mapping[str, BaseDistribution]
    guesses: tuple[Mapping[str, Any], ...]
    replicates: int
    search_trials: int
    confirm_seeds: int
    seed: int

    @property
    def method(self) -> Method:
        """Its method's entry in the table of methods."""
        return METHODS[self.values["method"]]

    @property
    def is_baseline(self) -> bool:
        """Whether nothing trains in it: the zero-shot row, or a no-skill floor."""
        return not self.method.is_trained

    @property
    def confirm_trials(self) -> int:
        """Confirm trials of each replicate."""
        return max(1, self.confirm_seeds)

    @property
    def trials_a_replicate(self) -> int:
        """Trials of both stages of one replicate."""
        return self.search_trials + self.confirm_trials

    @property
    def trials_by_stage(self) -> dict[str, int]:
        """Trials of all replicates: of the search, and of the confirm stage."""
        return {
            "search": self.replicates * self.search_trials,
            "confirm": self.replicates * self.confirm_trials,
        }

    @property
    def trials(self) -> int:
        """Trials of all replicates and both stages."""
        return sum(self.trials_by_stage.values())

    def search_config(self, parameters: Mapping[str, Any], replicate: int) -> TrialConfig:
        """Return the configuration of a search trial."""
        seed = derive_seed(self.seed, "search", replicate)
        return self._config(parameters, replicate, stage="search", seed=seed)

    def confirm_config(self, parameters: Mapping[str, Any], replicate: int, number: int = 0) -> TrialConfig:
        """Return the configuration of a confirm trial that trains anew, or of a baseline's only trial."""
        role: Role = "baseline" if self.is_baseline else "confirm"
        seed = derive_seed(self.seed, role, replicate, number)
        return self._config(parameters, replicate, stage="confirm", seed=seed)

    def scoring_config(self, parameters: Mapping[str, Any], replicate: int) -> TrialConfig:
        """Return the configuration of the confirm trial that scores the model of a search trial."""
        trained = self.search_config(parameters, replicate)
        return make_config({**trained.model_dump(), "stage": "confirm", "trained_by": trained.trial_id})

    def _config(self, parameters: Mapping[str, Any], replicate: int, **own: Any) -> TrialConfig:
        split_seed = derive_seed(self.seed, "split", replicate)
        return make_config({**self.values, **parameters, "split_seed": split_seed, **own})
