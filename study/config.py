"""`TrialConfig`: everything that decides a trial's result, in one frozen, validated object.

A trial is addressed by its content: `TrialConfig.trial_id` is a hash of every field, so the same
configuration, data and seed is the same trial in whatever folder it is found. Where things lie on a
machine (paths, devices, threads) is not part of it: see `study.workplace`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from study.errors import UserError, unknown_name
from study.methods.method import ADAPTER_SETTINGS, Method
from study.methods.table import METHODS, check_method

Quantization = Literal["none", "nf4", "int8"]
Variant = Literal["main", "socratic"]
Template = Literal["none", "chat"]
Annotations = Literal["strip", "keep"]
Stage = Literal["search", "confirm"]
Precision = Literal["auto", "bf16", "fp32"]

# Values of target_modules that name a group of modules, whatever a model calls them: every linear layer,
# or the attention's query and value (peft's own choice for the model's type: `q` and `v` in T5).
TARGET_GROUPS = ("all-linear", "query-value")

# The task of a study that names none; its files are GSM8K's.
MATH = "math_word_problems"

# Added after the first studies: what changes nothing is no part of a trial's id, so old rows keep theirs.
_LEFT_OUT = {
    "trained_by": None,
    "task": MATH,
    "task_fingerprint": None,
    "primary": None,
    "template": "none",
    "system": None,
    "shots": 0,
}

# What a person may fix with --set: everything but what the study itself decides.
DECIDED_BY_THE_STUDY = frozenset(
    {
        "stage",
        "seed",
        "split_seed",
        "trained_by",
        "task",
        "task_fingerprint",
        "primary",
        "shots",
        "model",
        "model_fingerprint",
        "data",
        "data_fingerprint",
        "code_data",
        "code_fingerprint",
    }
)


class TrialConfig(BaseModel):
    """One training and evaluation: the arm's factors, the hyperparameters, the budget, the data and the seed.

    Token limits are in tokens of the model's own tokenizer: a longer text is cut at its end, but for its last
    token, and counted in the trial's row (truncated_sources, truncated_targets). `learning_rate` is the peak
    of a schedule that warms up over `warmup_fraction` of the steps and then decays linearly to zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # What is compared (the arm).
    method: str
    quantization: Quantization = "none"
    model: str
    variant: Variant = "main"
    prompt_style: str = "plain"
    annotations: Annotations = "strip"
    template: Template = "none"
    system: str | None = Field(None, description="the system's text, before the question")

    # What is asked, and by which score the search goes: None is the task's own.
    task: str = MATH
    task_fingerprint: str | None = Field(
        None, description="a hash of the task's file; None: its code is ours"
    )
    primary: str | None = None
    shots: int = Field(0, ge=0, le=64, description="examples from train before each question; nothing trains")

    # Where the model and the data come from, by content.
    model_fingerprint: str
    data: str
    data_fingerprint: str
    code_data: str | None = None
    code_fingerprint: str | None = None

    # Hyperparameters.
    rank: int | None = Field(None, ge=1, le=1024)
    alpha: float | None = Field(None, gt=0, le=4096)
    lora_dropout: float | None = Field(None, ge=0, lt=1)
    target_modules: str | None = Field(
        None, description="'all-linear', or module names joined by commas: 'q,v'"
    )
    learning_rate: float | None = Field(None, gt=0, le=1)
    batch_size: int | None = Field(None, ge=1, le=4096)
    warmup_fraction: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0, le=1)

    # The second adapter of stacked LoRA; what is not here it shares with the first.
    second_rank: int | None = Field(None, ge=1, le=1024)
    second_alpha: float | None = Field(None, gt=0, le=4096)
    second_learning_rate: float | None = Field(None, gt=0, le=1)
    second_max_steps: int | None = Field(None, ge=1, le=1_000_000_000)
    second_epochs: float | None = Field(None, gt=0, le=1000)

    # Budget: steps, or passes over the training data.
    max_steps: int | None = Field(None, ge=1, le=1_000_000_000)
    epochs: float | None = Field(None, gt=0, le=1000)
    evaluations: int = Field(2, ge=0, le=100, description="validation losses taken during the training")
    train_questions: int | None = Field(None, ge=1)
    validation_questions: int = Field(200, ge=1)
    test_questions: int | None = Field(None, ge=1)
    split_seed: int = Field(0, ge=0)
    max_source_tokens: int = Field(256, ge=8, le=8192)
    max_target_tokens: int = Field(256, ge=8, le=8192)
    precision: Precision = "auto"

    stage: Stage
    seed: int = Field(ge=0, lt=2**31)
    trained_by: str | None = Field(
        None, description="in the confirm stage: the search trial whose model is scored; None: train one"
    )

    @field_validator("method")
    @classmethod
    def _check_name(cls, name: str) -> str:
        check_method(name)
        return name

    @model_validator(mode="after")
    def _check_method(self) -> TrialConfig:
        if self.quantization not in self.entry.quantizations:
            if self.quantization == "none":
                raise ValueError(
                    f"method {self.method} needs a quantization: {' or '.join(self.entry.quantizations)}"
                )
            others = " or ".join(name for name, method in METHODS.items() if method.quantizes)
            raise ValueError(f"quantization {self.quantization} goes with method {others}, not {self.method}")
        adapter = [getattr(self, name) for name in ADAPTER_SETTINGS]
        names = f"{', '.join(ADAPTER_SETTINGS[:-1])}"
        if self.entry.trains_adapter and None in adapter:
            raise ValueError(f"method {self.method} needs {names} and {ADAPTER_SETTINGS[-1]}")
        if not self.entry.trains_adapter and adapter != [None] * len(adapter):
            raise ValueError(f"method {self.method} takes no {names} or {ADAPTER_SETTINGS[-1]}")
        return self

    @model_validator(mode="after")
    def _check_second(self) -> TrialConfig:
        budget = self.second_max_steps or self.second_epochs
        needed = (self.second_rank, self.second_alpha, self.second_learning_rate, budget, self.code_data)
        if self.entry.has_second_phase and None in needed:
            raise ValueError(
                f"method {self.method} needs code data, second_rank, second_alpha, second_learning_rate, "
                "and second_max_steps or second_epochs"
            )
        if not self.entry.has_second_phase and needed != (None,) * 5:
            raise ValueError(f"method {self.method} takes no code data and no second adapter")
        if self.second_max_steps and self.second_epochs:
            raise ValueError("give second_max_steps or second_epochs, not both")
        return self

    @model_validator(mode="after")
    def _check_budget(self) -> TrialConfig:
        budget = (self.learning_rate, self.batch_size, self.max_steps or self.epochs)
        if self.entry.is_trained and None in budget:
            raise ValueError(f"method {self.method} needs learning_rate, batch_size and max_steps or epochs")
        if self.max_steps and self.epochs:
            raise ValueError("give max_steps or epochs, not both")
        return self

    @model_validator(mode="after")
    def _check_stage(self) -> TrialConfig:
        if self.trained_by is not None and self.stage != "confirm":
            raise ValueError("trained_by goes with stage confirm: a search trial trains its own model")
        if (self.method == "few_shot") != (self.shots > 0):
            raise ValueError(f"shots go with method few_shot alone, 1 or more: received {self.shots}")
        return self

    @property
    def entry(self) -> Method:
        """Its method's entry in the table of methods."""
        return METHODS[self.method]

    @property
    def trial_id(self) -> str:
        """A 12-digit hexadecimal hash of the whole configuration, data and seed."""
        values = self.model_dump(mode="json")
        return digest({n: v for n, v in values.items() if n not in _LEFT_OUT or v != _LEFT_OUT[n]})

    @property
    def as_trained(self) -> TrialConfig:
        """The configuration of the trial that trains the model: its own, or the search trial's it scores."""
        if self.trained_by is None:
            return self
        return self.model_copy(update={"stage": "search", "trained_by": None})

    @property
    def split(self) -> Literal["validation", "test"]:
        """The split that scores the trial: the test split is read in the confirm stage alone."""
        return "test" if self.stage == "confirm" else "validation"


def digest(value: Any, length: int = 12) -> str:
    """Return the first `length` hexadecimal digits of the SHA-256 of `value`'s canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def make_config(values: dict[str, Any]) -> TrialConfig:
    """Return the validated configuration.

    Raises:
        UserError: an unknown name or a value out of range, in one line that says what is valid.
    """
    try:
        return TrialConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown_name("setting", name, settable_names()) from None
        message = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{name}: {message}, received {first['input']!r}" if name else message) from None


def settable_names() -> list[str]:
    """Return the names that `--set` takes."""
    return sorted(set(TrialConfig.model_fields) - DECIDED_BY_THE_STUDY)


def parse_setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of one `--set name=value`.

    The value is read as JSON where it is JSON (a number, null) and as a string elsewhere.

    Raises:
        UserError: there is no `=`, or the name is not one that can be set.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set takes name=value, received '{text}'")
    if name not in settable_names():
        raise unknown_name("--set name", name, settable_names())
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
