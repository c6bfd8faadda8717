"""The methods: what trains. LoRA, QLoRA (LoRA over a quantised base), full fine-tuning, stacked LoRA.

Sources: Hu et al. 2021 (LoRA), Dettmers et al. 2023 (QLoRA: NF4, double quantisation, paged optimizer).

Under quantisation the linear layers of the base are stored in 4 or 8 bits, all but these, which stay 32-bit
floats:

    wo              T5's feed-forward output: its sums overflow in low precision, for which transformers too
                    keeps it in 32 bits
    the head        (`lm_head`, `embed_out`, ...) it makes the logits, and is often tied to the embeddings
    embeddings and layer norms    no linear layers: only looked up, or few weights
    the adapter     it is what trains

On a GPU the optimizer is then paged AdamW, whose state moves to the host's memory when the GPU's is full. A
CPU has 4 and 8 bits too, but plain AdamW, and a line before the first trial says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from study.config import ADAPTER_METHODS, TrialConfig
from study.errors import UserError
from study.models.faults import told_in_one_line
from study.models.loading import load_base
from study.models.targets import OTHER_SENSES, has_other_senses, targets_of
from study.sources.finding import Source
from study.workplace import Workplace

# See above. An explicit list replaces transformers' default, so the head has to stand in it, by each name
# that it has in transformers: a name matches at its end, and one with a dollar whole.
KEPT_IN_FULL_PRECISION = (
    ("wo", "lm_head", "embed_out", "output_projection", "predictions.decoder", "lm_head.decoder")
    + ("lm_head.out_proj", "generator_lm_head", "decoder$", "head$")
)  # fmt: skip

# The adapters of stacked LoRA.
FIRST, SECOND = "first", "second"


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
    from peft import get_peft_model

    name = FIRST if config.method == "stacked_lora" else "default"
    lora = _lora(config, model, rank=config.rank, alpha=config.alpha)
    try:
        return get_peft_model(model, lora, adapter_name=name)
    except ValueError as error:
        raise UserError(f"target_modules '{config.target_modules}': {str(error).splitlines()[0]}") from None


def stack_adapter(model: Any, config: TrialConfig) -> None:
    """Put the second adapter of stacked LoRA on a model that has its first: W = W0 + dW1 + dW2.

    The first is frozen and stays active in the forward pass.
    """
    lora = _lora(config, model, rank=config.second_rank, alpha=config.second_alpha)
    model.add_adapter(SECOND, lora)
    activate_stack(model)


def with_all_adapters(model: Any, config: TrialConfig) -> Any:
    """Return `model` with every adapter that a trial of its method ends with: for counting and estimating."""
    if config.method in ADAPTER_METHODS:
        model = add_adapter(model, config)
    if config.method == "stacked_lora":
        stack_adapter(model, config)
    return model


def load_adapters(model: Any, folder: Path) -> None:
    """Put the weights that peft saved in `folder` into a model that has the same adapters.

    Two adapters lie in a folder each, and both are then active.

    Raises:
        UserError: a file of an adapter can't be read.
    """
    from peft import load_peft_weights, set_peft_model_state_dict

    stacked = SECOND in model.peft_config
    for name in (FIRST, SECOND) if stacked else model.peft_config:
        own = folder / name if stacked else folder
        with told_in_one_line(Source(name, own), "adapter"):
            weights = load_peft_weights(str(own), device="cpu")
        set_peft_model_state_dict(model, weights, adapter_name=name)
    if stacked:
        activate_stack(model)


def load_trained(config: TrialConfig, workplace: Workplace, folder: Path) -> Any:
    """Return the model that a trial of this configuration trained and kept in `folder`, as it was scored.

    An adapter is put on the base again, quantised as in the training, and is not merged into it.

    Raises:
        UserError: the base or the kept model can't be read.
    """
    if config.method not in ADAPTER_METHODS:
        kept = Source(config.model, folder)
        return load_base(kept, **_load_options(config, workplace))
    model = with_all_adapters(build_base(config, workplace), config)
    load_adapters(model, folder)
    return model


def activate_stack(model: Any) -> None:
    """Make both adapters of stacked LoRA active, and only the second trainable.

    peft unfreezes the first with every change of the active adapters, so the freezing comes last.
    """
    model.base_model.set_adapter([FIRST, SECOND])
    for name, parameter in model.named_parameters():
        parameter.requires_grad = f".{SECOND}." in name


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
    adapter = config.method in ADAPTER_METHODS
    return sum(
        parameter.numel() * parameter.element_size()
        for name, parameter in model.named_parameters()
        if not adapter or ".lora_" in name
    )


def optimizer_name(config: TrialConfig, workplace: Workplace) -> str:
    """Return the Trainer's name of the optimizer: paged AdamW for QLoRA on a GPU, plain AdamW elsewhere."""
    if config.method == "qlora" and workplace.use_gpu:
        return "paged_adamw_32bit"
    return "adamw_torch"


def _lora(config: TrialConfig, model: Any, *, rank: int | None, alpha: float | None) -> Any:
    from peft import LoraConfig

    from study.models.families import family_of

    assert config.target_modules is not None
    return LoraConfig(
        task_type=family_of(model.config).task_type,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets_of(config.target_modules, model),
        exclude_modules=OTHER_SENSES.pattern if has_other_senses(model) else None,
    )


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


def _load_options(config: TrialConfig, workplace: Workplace) -> dict[str, Any]:
    options: dict[str, Any] = {"device_map": {"": 0 if workplace.use_gpu else "cpu"}}
    if config.quantization != "none":
        options["quantization_config"] = quantization_config(config, use_gpu=workplace.use_gpu)
    return options


def _prepare_quantized(model: Any) -> Any:
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
    raise UserError(f"a model of type '{kind}' {why}; valid: lora, full")
