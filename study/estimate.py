"""What a study would run and about how long that takes: `--dry-run`.

The arithmetic of a trial is counted from the model's shape, the data and the budget, and divided by the
speed that this machine shows in a short matrix product; nothing is trained. Where the Hub can't be reached,
what is on record of the paper's models and data stands in, and a GPU's speed is assumed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from study.binding import bind, workplace_of
from study.config import ADAPTER_METHODS, FLOOR_METHODS, TrialConfig
from study.display import show_seconds
from study.evaluation import GENERATION_BATCH
from study.facts import Facts, SplitFacts, read_facts
from study.methods import count_parameters
from study.on_record import facts_on_record
from study.plan import Arm, Plan
from study.quiet import quiet_libraries
from study.slots import Slots
from study.sources import HubUnreachable
from study.training import first_recipe, second_recipe

# Floating-point operations a parameter and token (Kaplan et al. 2020, section 2.1): 2 in the forward pass,
# 4 in the backward pass, of which a frozen base saves the half that makes gradients of its weights.
FORWARD, BACKWARD = 2.0, 4.0

# Fitted to the 34 trials of the embedded lora_vs_qlora on two cores of an AMD EPYC, whose wall time they
# give within a tenth (benchmarks/results/embedded_study.json): what a trial reaches of the rate of a plain
# product, the seconds it spends outside training and scoring, those of embedding an answer and its reference
# for the similarity, and those that a decoding step costs a layer. Larger models reach more of the rate.
EFFICIENCY = 0.17
OVERHEAD_SECONDS = 1.4
SIMILARITY_SECONDS = 0.013
DECODING_STEP_SECONDS = 0.0006
# Resident before any model is: Python, torch, transformers, the embedder. Not so on a GPU.
PROCESS_BYTES = 1.0e9
STARTUP_SECONDS = 20.0

# What a GPU of 16 GB or more reaches on models this small, before EFFICIENCY. Assumed, not measured.
ASSUMED_GPU_FLOPS = 40e12


@dataclass(frozen=True)
class ArmEstimate:
    """What one arm comes to; times are of one trial, memory is the peak of its training."""

    arm: Arm
    facts: Facts
    trainable: int
    total: int
    steps: int
    training_seconds: float
    search_seconds: float
    confirm_seconds: float
    memory_bytes: float

    @property
    def seconds(self) -> float:
        """Seconds of all its trials, one after another."""
        return (
            self.arm.search_trials * self.search_seconds + len(self.arm.confirm_seeds) * self.confirm_seconds
        )


def print_estimate(plan: Plan, slots: Slots, console: Console) -> None:
    """Print the arms of a plan, their trials, parameters and data, and the estimated time and memory.

    Raises:
        UserError: a model or the data can't be used.
    """
    quiet_libraries()
    try:
        plan = bind(plan)
        facts = [read_facts(arm, workplace_of(plan, arm.values["model"])) for arm in plan.compared]
        rate, where = measure_rate(slots), "on this machine"
    except HubUnreachable:
        facts = [facts_on_record(arm) for arm in plan.compared]
        rate, where = ASSUMED_GPU_FLOPS, "of a GPU's time (its speed is assumed)"
        console.print("The Hub can't be reached: sizes are those on record, tokens are estimated.")
    estimates = [estimate_arm(arm, own, rate) for arm, own in zip(plan.compared, facts, strict=True)]
    console.print(_table(estimates, 0.0 if slots.gpus else PROCESS_BYTES))
    console.print("Trials: search + confirm. Parameters: those that train. Questions: train/validation/test.")
    searched = dict.fromkeys(name for arm in plan.arms for name in arm.ranges)
    console.print(f"Searched within each arm: {', '.join(searched) or 'nothing'}", highlight=False)
    slot_seconds = sum(estimate.seconds for estimate in estimates) + _reference_seconds(plan, estimates)
    console.print(
        f"{plan.trials} trials, {slots.count} at once: about "
        f"{show_seconds(STARTUP_SECONDS + slot_seconds / slots.count)} {where}. Nothing was run.",
        highlight=False,
        soft_wrap=True,
    )


def estimate_arm(arm: Arm, facts: Facts, flops_a_second: float) -> ArmEstimate:
    """Return the estimate of one arm that trains, on a slot of that speed (see `measure_rate`)."""
    config = arm.confirm_config({}, arm.confirm_seeds[0])
    trainable, total = count_parameters(facts.model)
    phases = [(first_recipe(config, facts.train.rows).steps, facts.train)]
    if facts.code is not None:
        phases.append((second_recipe(config, facts.code.rows).steps, facts.code))
    active = _active(facts.model, total)
    flops = sum(_training_flops(config, steps, split, active) for steps, split in phases)
    training_seconds = flops / (flops_a_second * EFFICIENCY)

    def seconds(split: SplitFacts) -> float:
        scoring = _scoring_seconds(split, facts.model, active, flops_a_second)
        return OVERHEAD_SECONDS + training_seconds + scoring + split.rows * SIMILARITY_SECONDS

    return ArmEstimate(
        arm=arm,
        facts=facts,
        trainable=trainable,
        total=total,
        steps=sum(steps for steps, _ in phases),
        training_seconds=training_seconds,
        search_seconds=seconds(facts.validation),
        confirm_seconds=seconds(facts.test),
        memory_bytes=_memory(config, facts, trainable, total),
    )


def _reference_seconds(plan: Plan, estimates: Sequence[ArmEstimate]) -> float:
    """Return the seconds of the trials that train nothing; a floor has no model to ask either."""
    like = max(estimates, key=lambda estimate: estimate.confirm_seconds)
    floor = OVERHEAD_SECONDS + like.facts.test.rows * SIMILARITY_SECONDS
    untrained = like.confirm_seconds - like.training_seconds
    references = [arm for arm in plan.arms if arm not in plan.compared]
    return sum(floor if arm.values["method"] in FLOOR_METHODS else untrained for arm in references)


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


def _table(estimates: Sequence[ArmEstimate], process_bytes: float) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("arm")
    for header in ("trials", "parameters", "questions", "steps", "a trial", "memory"):
        table.add_column(header, justify="right", no_wrap=True)
    for e in estimates:
        table.add_row(
            e.arm.label,
            f"{e.arm.search_trials}+{len(e.arm.confirm_seeds)}",
            f"{e.trainable:,}",
            f"{e.facts.train.rows}/{e.facts.validation.rows}/{e.facts.test.rows}",
            str(e.steps),
            show_seconds(e.confirm_seconds),
            f"{(process_bytes + e.memory_bytes) / 1e9:.1f} GB",
        )
    return table


def _training_flops(config: TrialConfig, steps: int, split: SplitFacts, active: float) -> float:
    assert config.batch_size is not None
    backward = BACKWARD / 2 if config.method in ADAPTER_METHODS else BACKWARD
    return (FORWARD + backward) * active * steps * config.batch_size * split.tokens


def _scoring_seconds(split: SplitFacts, model: Any, active: float, rate: float) -> float:
    # Twice: once for the likelihood of the targets, once for the answers.
    flops = 2 * FORWARD * active * split.rows * split.tokens
    batches = -(-split.rows // GENERATION_BATCH)
    layers = getattr(model.config, "num_decoder_layers", None) or model.config.num_hidden_layers
    return flops / (rate * EFFICIENCY) + batches * split.target_tokens * 2 * layers * DECODING_STEP_SECONDS


def _memory(config: TrialConfig, facts: Facts, trainable: int, total: int) -> float:
    """Return bytes: weights, gradients and Adam's moments, activations, logits.

    Activations of a transformer layer: 34 s b h bytes in 16 bits (Korthikanti et al. 2022, equation 2,
    without the attention's quadratic part, which is small at these lengths).
    """
    shape = facts.model.config
    assert config.batch_size is not None
    layers = shape.num_hidden_layers + (getattr(shape, "num_decoder_layers", None) or 0)
    tokens = config.batch_size * (config.max_source_tokens + config.max_target_tokens)
    weights = total * {"none": 4.0, "int8": 1.2, "nf4": 0.7}[config.quantization]
    activations = 34 * tokens * shape.hidden_size * layers / 2
    logits = config.batch_size * config.max_target_tokens * shape.vocab_size * 4 * 2
    return weights + trainable * 12 + activations + logits


def _active(model: Any, parameters: int) -> float:
    # An encoder-decoder passes each token through one half of itself.
    return parameters / 2 if model.config.is_encoder_decoder else parameters
