"""The memory of one trial at its peak, term by term, from the model's weights, what trains, and the batches.

    weights             32-bit floats, or the bits that they are quantised to
    optimizer           Adam's two moments of what trains, 32-bit floats
    a step              what `study.cost.traced` counts: activations, logits three times, gradients
    scoring             the largest batch that is scored, once a step's memory has been given back
    holes               of the host's memory alone: what its allocator can't use again

On a CPU the file of the weights is mapped into memory and read from there; a quantised copy comes beside it.
"""

from __future__ import annotations

from typing import Any

from study.config import TrialConfig
from study.cost.facts import Facts
from study.cost.traced import StepBytes, trace_step
from study.models.counting import count_parameters
from study.models.quantized import KEPT_IN_FULL_PRECISION
from study.models.shape import Shape, shape_of
from study.trial.batches import (
    GENERATION_ROWS,
    LIKELIHOOD_ROWS,
    generation_bytes,
    likelihood_bytes,
    rows_that_fit,
)

# Resident before any model is: Python, torch, transformers, peft, Ray. Not so on a GPU.
PROCESS_BYTES = 0.6e9
_FLOAT, _MOMENTS = 4, 8
# Of a quantised weight: its bits, and its share of the scales. NF4: a byte for 64 weights, and 4 bytes for
# 256 of those (Dettmers et al. 2023); int8: 4 bytes for a row of some hundred.
_QUANTISED = {"nf4": 0.5 + 1 / 64 + 4 / (64 * 256), "int8": 1.0 + 4 / 512}
# Batches are padded to a multiple of so many tokens.
_PADDING = 8


def trial_bytes(config: TrialConfig, facts: Facts, *, on_gpu: bool) -> float:
    """Return the bytes of a trial's peak, without those of its process.

    Args:
        config: of the arm's largest adapters and batches.
    """
    source, target = _longest(config, facts)
    step = _step_bytes(config, facts.largest_model, source, target)
    holes = 0.0 if on_gpu else step.holes
    rows = max(facts.validation.rows, facts.test.rows)
    scoring = scoring_bytes(shape_of(facts.largest_model.config), source, target, rows)
    kept = weights_bytes(config, facts.largest_model, on_gpu=on_gpu) + _MOMENTS * facts.most_trainable
    return kept + holes + max(step.peak, scoring)


def weights_bytes(config: TrialConfig, model: Any, *, on_gpu: bool) -> float:
    """Return the bytes of the weights, adapters included."""
    whole = _FLOAT * count_parameters(model)[1]
    if config.quantization == "none":
        return whole
    few = _quantised_parameters(model)
    return whole + few * (_QUANTISED[config.quantization] - (_FLOAT if on_gpu else 0.0))


def scoring_bytes(shape: Shape, source: int, target: int, rows: int) -> float:
    """Return the bytes of the largest batch that is scored, of so many rows."""
    kinds = (
        (likelihood_bytes(shape, source, target), LIKELIHOOD_ROWS),
        (generation_bytes(shape, source, target), GENERATION_ROWS),
    )
    return max(row_bytes * rows_that_fit(row_bytes, min(most, rows)) for row_bytes, most in kinds)


def _longest(config: TrialConfig, facts: Facts) -> tuple[int, int]:
    """Return the tokens of the longest input and target, padded, that a trial trains on."""
    splits = [facts.trained_on(phase) for phase in config.entry.phases]
    target = max(split.longest_target or config.max_target_tokens for split in splits)
    source = max(split.longest_source or config.max_source_tokens for split in splits)
    if not facts.largest_model.config.is_encoder_decoder:  # one row holds both
        source = max(split.longest_row or source + target for split in splits) - target
    return _padded(source), _padded(target)


def _padded(tokens: int) -> int:
    return -(-max(tokens, 1) // _PADDING) * _PADDING


def _step_bytes(config: TrialConfig, model: Any, source: int, target: int) -> StepBytes:
    """Return what a step takes up: counted, or reckoned from the shape where the type can't be counted.

    Then activations are those of a transformer's layer, 34 s b h bytes in 16 bits without attention's squares
    (Korthikanti et al. 2022, equation 2), and logits are there three times.
    """
    assert config.batch_size is not None
    traced = trace_step(model, config.batch_size, source, target)
    if traced is not None:
        return traced
    shape = shape_of(model.config)
    layers = 2 * 34 * (source + target) * shape.width * shape.layers / (2 if shape.has_encoder else 1)
    logits = 3 * _FLOAT * (target if shape.has_encoder else source + target) * shape.vocabulary
    gradients = _FLOAT * count_parameters(model)[0]
    return StepBytes(config.batch_size * (layers + logits) + gradients, holes=0.0)


def _quantised_parameters(model: Any) -> int:
    """Return how many of a model's weights bitsandbytes stores in few bits: linear layers, but those kept."""
    import torch
    from transformers.pytorch_utils import Conv1D  # GPT-2's, a linear layer the other way round

    kept = tuple(name.rstrip("$") for name in KEPT_IN_FULL_PRECISION)
    return sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
        and ".lora_" not in name
        and not name.removesuffix(".base_layer").endswith(kept)
    )
