"""A base whose linear layers are stored in 4 or 8 bits, fit to carry an adapter that trains.

Source: Dettmers et al. 2023 (NF4, double quantisation). All linear layers but these, which stay in 32 bits:

    wo              T5's feed-forward output: its sums overflow in low precision, for which transformers too
                    keeps it in 32 bits
    the head        (`lm_head`, `embed_out`, ...) it makes the logits, and is often tied to the embeddings
    embeddings and layer norms    no linear layers: only looked up, or few weights
    the adapter     it is what trains
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from study.config import TrialConfig
from study.errors import UserError
from study.methods.table import METHODS, trained_methods

# An explicit list replaces transformers' default, so the head has to stand in it, by each name that it has
# in transformers: a name matches at its end, and one with a dollar whole.
KEPT_IN_FULL_PRECISION = (
    ("wo", "lm_head", "embed_out", "output_projection", "predictions.decoder", "lm_head.decoder")
    + ("lm_head.out_proj", "generator_lm_head", "decoder$", "head$")
)  # fmt: skip


def quantization_config(config: TrialConfig, *, use_gpu: bool) -> Any:
    """Return how transformers is told to quantise the base."""
    import torch
    from transformers import BitsAndBytesConfig

    kept = list(KEPT_IN_FULL_PRECISION)
    if config.quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if use_gpu else torch.float32,
        llm_int8_skip_modules=kept,
    )


def prepare_quantized(model: Any) -> Any:
    """Return a quantised model that can carry a trained adapter.

    On a CPU with AVX512-BF16, bitsandbytes repacks 4-bit weights in the first forward pass without gradients,
    for a kernel that has no backward: from then on the adapter gets no gradient, and merging gives wrong
    weights. Switching that kernel off is the cure (tests/study/models/test_methods.py holds both).

    Raises:
        UserError: it can't be used so.
    """
    import bitsandbytes as bnb
    from peft import prepare_model_for_kbit_training

    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, bnb.nn.Linear4bit | bnb.nn.Linear8bitLt)
    }
    _check_quantised(model.config.model_type, layers)
    for layer in layers.values():
        layer.support_avx512bf16_for_cpu = False
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)


def _check_quantised(kind: str, layers: Iterable[str]) -> None:
    """Check by the names of the layers that are quantised that a model can be used so.

    Raises:
        UserError: none is, or one that the model multiplies with by itself.
    """
    if not [*layers]:  # Falcon's are layers of its own kind
        why = "has no layer that bitsandbytes quantises: qlora would be lora on 32-bit floats"
    elif any(name.endswith(".dt_proj") for name in layers):  # Mamba
        why = "multiplies with its weights by itself, which bitsandbytes can't"
    else:
        return
    others = [name for name in trained_methods() if not METHODS[name].quantizes]
    raise UserError(f"a model of type '{kind}' {why}; valid: {', '.join(others)}")
