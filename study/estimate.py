"""What a study would run and about how long that takes: `--dry-run`.

The arithmetic of a trial is counted from the model's shape, the data and the budget, and divided by the
speed that this machine shows in a short matrix product; nothing is trained.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from study.binding import workplace_of
from study.config import ADAPTER_METHODS, TrialConfig
from study.display import show_seconds
from study.evaluation import GENERATION_BATCH
from study.methods import add_adapter, count_parameters, stack_adapter
from study.models import load_skeleton
from study.plan import Arm, Plan
from study.quiet import quiet_libraries
from study.slots import Slots
from study.tokenised import Examples, load_examples
from study.training import first_recipe, second_recipe
from study.workplace import Workplace

# Floating-point operations a parameter and token (Kaplan et al. 2020, section 2.1): 2 in the forward pass,
# 4 in the backward pass, of which a frozen base saves the half that makes gradients of its weights.
FORWARD, BACKWARD = 2.0, 4.0

# Measured on two cores of an AMD EPYC (benchmarks/results): what a trial of the embedded profile reaches of
# the rate of a plain product, the seconds it spends outside training and scoring, and the seconds that one
# decoding step costs a layer however small the model is.
EFFICIENCY = 0.35
OVERHEAD_SECONDS = 2.0
DECODING_STEP_SECONDS = 0.0006
STARTUP_SECONDS = 20.0


@dataclass(frozen=True)
class ArmEstimate:
    """What one arm comes to: parameters, questions, steps, and seconds of one trial."""

    arm: Arm
    trainable: int
    total: int
    train_questions: int
    validation_questions: int
    test_questions: int
    steps: int
    search_seconds: float
    confirm_seconds: float

    @property
    def seconds(self) -> float:
        """Seconds of all its trials, one after another."""
        return (
            self.arm.search_trials * self.search_seconds + len(self.arm.confirm_seeds) * self.confirm_seconds
        )


def estimate_arm(arm: Arm, workplace: Workplace, flops_a_second: float) -> ArmEstimate:
    """Return the estimate of one arm that trains, of a bound plan.

    Args:
        flops_a_second: what one slot computes, see `measure_rate`.

    Raises:
        UserError: the model or the data can't be used.
    """
    config = arm.confirm_config({}, arm.confirm_seeds[0])
    model = load_skeleton(workplace.model)
    layers = getattr(model.config, "num_decoder_layers", None) or model.config.num_hidden_layers
    if config.method in ADAPTER_METHODS:
        model = add_adapter(model, config)
    if config.method == "stacked_lora":
        stack_adapter(model, config)
    trainable, total = count_parameters(model)
    splits = {name: load_examples(config, workplace, name) for name in ("train", "validation", "test")}
    phases = [(first_recipe(config, len(splits["train"])), splits["train"])]
    if config.method == "stacked_lora":
        code = load_examples(config, workplace, "code")
        phases.append((second_recipe(config, len(code)), code))
    flops = sum(_training_flops(config, examples, recipe.steps, total) for recipe, examples in phases)
    training = flops / (flops_a_second * EFFICIENCY)

    def seconds(split: str) -> float:
        return OVERHEAD_SECONDS + training + _scoring_seconds(splits[split], total, layers, flops_a_second)

    return ArmEstimate(
        arm=arm,
        trainable=trainable,
        total=total,
        train_questions=len(splits["train"]),
        validation_questions=len(splits["validation"]),
        test_questions=len(splits["test"]),
        steps=sum(recipe.steps for recipe, _ in phases),
        search_seconds=seconds("validation"),
        confirm_seconds=seconds("test"),
    )


def measure_rate(slots: Slots) -> float:
    """Return the floating-point operations a second of a plain matrix product on one slot."""
    import torch

    device = "cuda" if slots.gpus else "cpu"
    torch.set_num_threads(slots.cpus)
    left, right = torch.rand(1024, 512, device=device), torch.rand(512, 512, device=device)

    def product() -> float:
        started = time.perf_counter()
        # Reading one element waits for the GPU.
        float((left @ right)[0, 0])
        return time.perf_counter() - started

    best = min(product() for _ in range(20))
    return 2 * 1024 * 512 * 512 / best * min(slots.gpus or 1.0, 1.0)


def print_estimate(plan: Plan, slots: Slots, console: Console) -> None:
    """Print the arms, their trials, parameters, data and estimated time."""
    quiet_libraries()
    rate = measure_rate(slots)
    estimates = [estimate_arm(arm, workplace_of(plan, arm.values["model"]), rate) for arm in plan.compared]
    console.print(_table(estimates))
    searched = dict.fromkeys(name for arm in plan.arms for name in arm.ranges)
    console.print(f"Searched within each arm: {', '.join(searched) or 'nothing'}", highlight=False)
    slot_seconds = sum(estimate.seconds for estimate in estimates)
    console.print(
        f"{plan.trials} trials, {slots.count} at once: about "
        f"{show_seconds(STARTUP_SECONDS + slot_seconds / slots.count)} on this machine (an estimate). "
        "Nothing was run.",
        highlight=False,
        soft_wrap=True,
    )


def _table(estimates: list[ArmEstimate]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm")
    for header in ("search", "confirm", "parameters", "train/valid./test", "steps", "a trial"):
        table.add_column(header, justify="right", no_wrap=True)
    for e in estimates:
        table.add_row(
            e.arm.label,
            str(e.arm.search_trials),
            str(len(e.arm.confirm_seeds)),
            f"{e.trainable:,}",
            f"{e.train_questions}/{e.validation_questions}/{e.test_questions}",
            str(e.steps),
            show_seconds(e.confirm_seconds),
        )
    return table


def _training_flops(config: TrialConfig, examples: Examples, steps: int, parameters: int) -> float:
    assert config.batch_size is not None
    backward = BACKWARD / 2 if config.method in ADAPTER_METHODS else BACKWARD
    tokens = steps * config.batch_size * sum(_mean_lengths(examples).values())
    return (FORWARD + backward) * _active(parameters) * tokens


def _scoring_seconds(examples: Examples, parameters: int, layers: int, rate: float) -> float:
    lengths = _mean_lengths(examples)
    # Twice: once for the likelihood of the targets, once for the answers.
    flops = 2 * FORWARD * _active(parameters) * len(examples) * sum(lengths.values())
    batches = -(-len(examples) // GENERATION_BATCH)
    return flops / (rate * EFFICIENCY) + batches * lengths["labels"] * 2 * layers * DECODING_STEP_SECONDS


def _active(parameters: int) -> float:
    # An encoder-decoder passes each token through one half of itself.
    return parameters / 2


def _mean_lengths(examples: Examples) -> Mapping[str, float]:
    def mean(column: Any) -> float:
        return sum(map(len, column)) / len(column)

    return {name: mean(examples.rows[name]) for name in ("input_ids", "labels")}
