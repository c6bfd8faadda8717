"""The project's own methods: LoRA, QLoRA, full fine-tuning, stacked LoRA, and what trains nothing.

Sources: Hu et al. 2021 (LoRA), Dettmers et al. 2023 (QLoRA: NF4, double quantisation, paged optimizer). Full
fine-tuning wants a learning rate about ten times below LoRA's, so ranges belong to the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution

from study.methods.method import ONE_PHASE, TWO_PHASES, Method, Scale
from study.space import choice, log_uniform, uniform

Ranges = Mapping[str, BaseDistribution]

_ADAPTER: Ranges = {
    "rank": choice(2, 4, 8, 16, 32),
    "alpha": choice(8, 16, 32, 64),
    "lora_dropout": uniform(0.0, 0.2),
    "target_modules": choice("query-value", "all-linear"),
}
_SECOND: Ranges = {"second_rank": choice(2, 4, 8, 16, 32), "second_alpha": choice(8, 16, 32, 64)}

# One adapter, at the scale of each profile.
_EMBEDDED: Mapping[str, Any] = {
    "rank": 8,
    "alpha": 32.0,
    "lora_dropout": 0.0,
    "target_modules": "all-linear",
    "learning_rate": 6e-3,
}
_PAPER: Mapping[str, Any] = {
    "rank": 8,
    "alpha": 16.0,
    "lora_dropout": 0.05,
    "target_modules": "query-value",
    "learning_rate": 1e-3,
}
_EMBEDDED_RANGES: Ranges = {**_ADAPTER, "learning_rate": log_uniform(1e-3, 2e-2)}
_PAPER_RANGES: Ranges = {**_ADAPTER, "learning_rate": log_uniform(1e-4, 1e-2)}

LORA = Method(
    name="lora",
    builder="study.models.building:LORA",
    phases=ONE_PHASE,
    trains_adapter=True,
    scales={"embedded": Scale(_EMBEDDED, _EMBEDDED_RANGES), "paper": Scale(_PAPER, _PAPER_RANGES)},
)

QLORA = Method(
    name="qlora",
    builder="study.models.building:QLORA",
    phases=ONE_PHASE,
    trains_adapter=True,
    quantizations=("nf4", "int8"),
    scales={
        "embedded": Scale({**_EMBEDDED, "quantization": "nf4"}, _EMBEDDED_RANGES),
        "paper": Scale({**_PAPER, "quantization": "nf4"}, _PAPER_RANGES),
    },
)

FULL = Method(
    name="full",
    builder="study.models.building:WHOLE_MODEL",
    phases=ONE_PHASE,
    scales={
        "embedded": Scale({"learning_rate": 1e-3}, {"learning_rate": log_uniform(1e-4, 3e-3)}),
        "paper": Scale({"learning_rate": 3e-4}, {"learning_rate": log_uniform(3e-5, 2e-3)}),
    },
)

STACKED_LORA = Method(
    name="stacked_lora",
    builder="study.models.building:STACKED_LORA",
    phases=TWO_PHASES,
    trains_adapter=True,
    scales={
        "embedded": Scale(
            defaults={
                **_EMBEDDED,
                "second_rank": 8,
                "second_alpha": 16.0,
                "second_learning_rate": 1e-3,
                "second_max_steps": 50,
            },
            ranges={
                **_EMBEDDED_RANGES,
                **_SECOND,
                "second_learning_rate": log_uniform(1e-4, 1e-2),
                "second_max_steps": choice(10, 25, 50, 100),
            },
        ),
        "paper": Scale(
            defaults={
                **_PAPER,
                "second_rank": 8,
                "second_alpha": 16.0,
                "second_learning_rate": 1e-3,
                "second_max_steps": 1000,
            },
            ranges={
                **_PAPER_RANGES,
                **_SECOND,
                "second_learning_rate": log_uniform(1e-5, 1e-2),
                "second_max_steps": choice(100, 300, 1000, 3000),
            },
        ),
    },
)

ZERO_SHOT = Method(name="zero_shot", builder="study.models.building:UNTRAINED")

# The same, with examples before each question: `config.shots` of them.
FEW_SHOT = Method(name="few_shot", builder="study.models.building:UNTRAINED")

# What needs no skill; `study.trial.floors` answers.
FLOORS = tuple(
    Method(name=f"floor_{answer}", builder=None)
    for answer in ("commonest_answer", "random_solution", "nearest_solution", "echo")
)
FLOOR_EMPTY = Method(name="floor_empty", builder=None)

# What learns from the training questions, and is no language model: TF-IDF with logistic regression.
RIVAL_TFIDF = Method(name="rival_tfidf", builder=None)
