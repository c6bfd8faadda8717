"""How large a model is: its parameters, and the bytes of what a user has to ship."""

from __future__ import annotations

from typing import Any

from study.config import TrialConfig


def count_parameters(model: Any) -> tuple[int, int]:
    """Return (trainable, all) parameters, counting each of a 4-bit weight's elements, not its bytes.

    Every adapter counts as trainable, those of an earlier phase included.
    """
    trainable = total = 0
    for name, parameter in model.named_parameters():
        # bitsandbytes packs two 4-bit elements into a byte and keeps the shape in quant_state.
        state = getattr(parameter, "quant_state", None)
        elements = state.shape.numel() if state is not None else parameter.numel()
        total += elements
        trainable += elements if parameter.requires_grad or ".lora_" in name else 0
    return trainable, total


def shipped_bytes(model: Any, config: TrialConfig) -> int:
    """Return the bytes of the weights that a user has to ship: the adapters', or all of them."""
    adapter = config.entry.trains_adapter
    return sum(
        parameter.numel() * parameter.element_size()
        for name, parameter in model.named_parameters()
        if not adapter or ".lora_" in name
    )
