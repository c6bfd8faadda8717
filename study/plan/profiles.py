"""Profiles: the scale of a run, and the ranges in which each method's hyperparameters are searched.

`embedded` (the default) runs the shipped tiny T5 on generated word problems in minutes on a laptop, with
no network. `paper` runs T5-small on GSM8K on a GPU. Ranges belong to the method: full fine-tuning wants a
learning rate about ten times below LoRA's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution

from study.space import choice, log_uniform, uniform

Ranges = Mapping[str, BaseDistribution]

_ADAPTER: Ranges = {
    "rank": choice(2, 4, 8, 16, 32),
    "alpha": choice(8, 16, 32, 64),
    "lora_dropout": uniform(0.0, 0.2),
    "target_modules": choice("query-value", "all-linear"),
}
_SECOND: Ranges = {"second_rank": choice(2, 4, 8, 16, 32), "second_alpha": choice(8, 16, 32, 64)}


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
        defaults: configuration values of every arm.
        adapter_defaults: those of the arms that train an adapter, besides.
        method_defaults: those of one method, besides.
        ranges: method -> hyperparameter -> range.
    """

    name: str
    models: Mapping[str, str]
    data: str
    code_data: str
    replicates: int
    search_trials: int
    confirm_seeds: int
    defaults: Mapping[str, Any]
    adapter_defaults: Mapping[str, Any]
    method_defaults: Mapping[str, Mapping[str, Any]]
    ranges: Mapping[str, Ranges]


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
    adapter_defaults={"rank": 8, "alpha": 32.0, "lora_dropout": 0.0, "target_modules": "all-linear"},
    method_defaults={
        "lora": {"learning_rate": 6e-3},
        "qlora": {"learning_rate": 6e-3, "quantization": "nf4"},
        "full": {"learning_rate": 1e-3},
        "stacked_lora": {
            "learning_rate": 6e-3,
            "second_rank": 8,
            "second_alpha": 16.0,
            "second_learning_rate": 1e-3,
            "second_max_steps": 50,
        },
    },
    ranges={
        "stacked_lora": {
            **_ADAPTER,
            **_SECOND,
            "learning_rate": log_uniform(1e-3, 2e-2),
            "second_learning_rate": log_uniform(1e-4, 1e-2),
            "second_max_steps": choice(10, 25, 50, 100),
        },
        "lora": {**_ADAPTER, "learning_rate": log_uniform(1e-3, 2e-2)},
        "qlora": {**_ADAPTER, "learning_rate": log_uniform(1e-3, 2e-2)},
        "full": {"learning_rate": log_uniform(1e-4, 3e-3)},
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
    adapter_defaults={"rank": 8, "alpha": 16.0, "lora_dropout": 0.05, "target_modules": "query-value"},
    method_defaults={
        "lora": {"learning_rate": 1e-3},
        "qlora": {"learning_rate": 1e-3, "quantization": "nf4"},
        "full": {"learning_rate": 3e-4},
        "stacked_lora": {
            "learning_rate": 1e-3,
            "second_rank": 8,
            "second_alpha": 16.0,
            "second_learning_rate": 1e-3,
            "second_max_steps": 1000,
        },
    },
    ranges={
        "stacked_lora": {
            **_ADAPTER,
            **_SECOND,
            "learning_rate": log_uniform(1e-4, 1e-2),
            "second_learning_rate": log_uniform(1e-5, 1e-2),
            "second_max_steps": choice(100, 300, 1000, 3000),
        },
        "lora": {**_ADAPTER, "learning_rate": log_uniform(1e-4, 1e-2)},
        "qlora": {**_ADAPTER, "learning_rate": log_uniform(1e-4, 1e-2)},
        "full": {"learning_rate": log_uniform(3e-5, 2e-3)},
    },
)

PROFILES = {profile.name: profile for profile in (EMBEDDED, PAPER)}
