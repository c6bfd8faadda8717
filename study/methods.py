"""The methods: what trains. LoRA, QLoRA (LoRA over a quantised base), full fine-tuning, and nothing.

Sources: Hu et al. 2021 (LoRA), Dettmers et al. 2023 (QLoRA: NF4, double quantisation, paged optimizer).
"""

from __future__ import annotations

from typing import Any

from study.config import ADAPTER_METHODS, TrialConfig
from study.models import load_base
from study.workplace import Workplace

# Kept in higher precision under quantisation. T5's feed-forward output `wo` overflows in low precision
# (transformers keeps it in fp32 for the same reason); the head is tied to the embeddings and sets the logits.
# An explicit list replaces transformers' default, so the head has to stand in it.
KEPT_IN_FULL_PRECISION = ("wo", "lm_head")


def build_model(config: TrialConfig, workplace: Workplace) -> Any:
    """Return the model that a trial trains: the base, quantised if the method says so, with its adapter.

    Raises:
        UserError: the model can't be read, or the adapter's target modules are not in it.
    """
    model = build_base(config, workplace)
    if config.method in ADAPTER_METHODS:
        model = add_adapter(model, config)
    if config.method == "zero_shot":
        model.requires_grad_(False)
    return model


def build_base(config: TrialConfig, workplace: Workplace) -> Any:
    """Return the base model, quantised if the method says so, without an adapter."""
    model = load_base(workplace.model, **_load_options(config, workplace))
    return model if config.quantization == "none" else _prepare_quantized(model)


def add_adapter(model: Any, config: TrialConfig) -> Any:
    """Return `model` with a fresh LoRA adapter; the base is frozen.

    Raises:
        UserError: a target module is not in the model.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    from study.errors import UserError

    assert config.target_modules is not None
    targets = config.target_modules
    lora = LoraConfig(
        task_type=TaskType.SEQ_2_SEQ_LM,
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets if targets == "all-linear" else targets.split(","),
    )
    try:
        return get_peft_model(model, lora)
    except ValueError as error:
        raise UserError(f"target_modules '{targets}': {str(error).splitlines()[0]}") from None


def count_parameters(model: Any) -> tuple[int, int]:
    """Return (trainable, all) parameters, counting each of a 4-bit weight's elements, not its bytes."""
    trainable = total = 0
    for parameter in model.parameters():
        # bitsandbytes packs two 4-bit elements into a byte and keeps the shape in quant_state.
        state = getattr(parameter, "quant_state", None)
        elements = state.shape.numel() if state is not None else parameter.numel()
        total += elements
        trainable += elements if parameter.requires_grad else 0
    return trainable, total


def shipped_bytes(model: Any, config: TrialConfig) -> int:
    """Return the bytes of the weights that a user has to ship: the adapter's, or all of them."""
    if config.method in ADAPTER_METHODS:
        from peft import get_peft_model_state_dict

        tensors = list(get_peft_model_state_dict(model).values())
    else:
        tensors = list(model.parameters())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def optimizer_name(config: TrialConfig, workplace: Workplace) -> str:
    """Return the Trainer's name of the optimizer: paged AdamW for QLoRA on a GPU, plain AdamW elsewhere."""
    if config.method == "qlora" and workplace.use_gpu:
        return "paged_adamw_32bit"
    return "adamw_torch"


def _load_options(config: TrialConfig, workplace: Workplace) -> dict[str, Any]:
    device = {"": 0 if workplace.use_gpu else "cpu"}
    if config.quantization == "none":
        return {"device_map": device}
    import torch
    from transformers import BitsAndBytesConfig

    if config.quantization == "int8":
        quantization = BitsAndBytesConfig(
            load_in_8bit=True, llm_int8_skip_modules=list(KEPT_IN_FULL_PRECISION)
        )
    else:
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if workplace.use_gpu else torch.float32,
            llm_int8_skip_modules=list(KEPT_IN_FULL_PRECISION),
        )
    return {"device_map": device, "quantization_config": quantization}


def _prepare_quantized(model: Any) -> Any:
    """Return a quantised model that can carry a trained adapter.

    On a CPU with AVX512-BF16, bitsandbytes repacks 4-bit weights in the first forward pass without gradients,
    for a kernel that has no backward: from then on the adapter gets no gradient, and merging gives wrong
    weights. Switching that kernel off is the cure (tests/study/test_methods.py holds both).
    """
    import bitsandbytes as bnb
    from peft import prepare_model_for_kbit_training

    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
