"""Profiles: the scale of a run. Where each method starts at it, and what it searches, is the method's.

`embedded` (the default) runs the shipped tiny T5 on generated word problems in minutes on a laptop, with
no network. `paper` runs T5-small on GSM8K on a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from study.errors import UserError
from study.methods.method import Method, Scale


@dataclass(frozen=True)
class Profile:
    """The scale of a study.

    Attributes:
        models: role -> base model: "small" is every arm's unless a space says "base".
        data: the data set's name, a folder, or a Hub name.
        code_data: the same, of the second data set of stacked LoRA.
        replicates: how often each arm's search is repeated, from the start.
        search_trials: trials of each of these searches.
        confirm_seeds: trainings anew of what a search found; 0: the model that it found is scored.
        defaults: configuration values of every arm; a method has its own besides.
    """

    name: str
    models: Mapping[str, str]
    data: str
    code_data: str
    replicates: int
    search_trials: int
    confirm_seeds: int
    defaults: Mapping[str, Any]

    def scale_of(self, method: Method) -> Scale:
        """Return where a method starts and what it searches at this scale.

        Raises:
            UserError: the method is not made for this profile.
        """
        if self.name not in method.scales:
            raise UserError(
                f"method {method.name} has no ranges for profile {self.name}; valid: "
                f"{', '.join(f'--profile {name}' for name in method.scales)}"
            )
        return method.scales[self.name]


EMBEDDED = Profile(
    name="embedded",
    models={"small": "embedded", "base": "embedded"},
    data="embedded",
    code_data="embedded",
    replicates=5,
    search_trials=2,
    confirm_seeds=0,
    defaults={
        "batch_size": 16,
        "max_steps": 50,
        "warmup_fraction": 0.05,
        "validation_questions": 150,
        "test_questions": 500,
        "max_source_tokens": 96,
        "max_target_tokens": 88,
        # On a model this small bf16 autocast costs a CPU more than it saves, and no two CPUs round alike.
        "precision": "fp32",
    },
)

PAPER = Profile(
    name="paper",
    models={"small": "google-t5/t5-small", "base": "google-t5/t5-base"},
    data="openai/gsm8k",
    code_data="m-a-p/CodeFeedback-Filtered-Instruction",
    replicates=7,
    search_trials=2,
    confirm_seeds=0,
    defaults={
        "batch_size": 16,
        "epochs": 5.0,
        "warmup_fraction": 0.05,
        "validation_questions": 500,
        "max_source_tokens": 256,
        "max_target_tokens": 256,
        "evaluations": 4,
    },
)

PROFILES = {profile.name: profile for profile in (EMBEDDED, PAPER)}
