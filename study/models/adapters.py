"""LoRA adapters (Hu et al. 2021): putting one or two on a model, and reading back what was kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.config import TrialConfig
from study.errors import UserError
from study.models.families import family_of
from study.models.faults import told_in_one_line
from study.models.targets import OTHER_SENSES, has_other_senses, targets_of
from study.sources.finding import Source

# The adapters of stacked LoRA.
FIRST, SECOND = "first", "second"


def lora_config(model: Any, config: TrialConfig, **options: Any) -> Any:
    """Return what peft makes a trial's first, or only, adapter from; `options` go to peft's LoraConfig."""
    return _lora(config, model, rank=config.rank, alpha=config.alpha, **options)


def add_adapter(model: Any, adapter: Any, config: TrialConfig) -> Any:
    """Return `model` with a fresh adapter, made from a config of peft; the base is frozen.

    Raises:
        UserError: a target module is not in the model.
    """
    from peft import get_peft_model

    name = FIRST if config.entry.has_second_phase else "default"
    try:
        return get_peft_model(model, adapter, adapter_name=name)
    except ValueError as error:
        raise UserError(f"target_modules '{config.target_modules}': {str(error).splitlines()[0]}") from None


def stack_adapter(model: Any, config: TrialConfig) -> None:
    """Put the second adapter of stacked LoRA on a model that has its first: W = W0 + dW1 + dW2.

    The first is frozen and stays active in the forward pass.
    """
    lora = _lora(config, model, rank=config.second_rank, alpha=config.second_alpha)
    model.add_adapter(SECOND, lora)
    activate_stack(model)


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


def activate_stack(model: Any) -> None:
    """Make both adapters of stacked LoRA active, and only the second trainable.

    peft unfreezes the first with every change of the active adapters, so the freezing comes last.
    """
    model.base_model.set_adapter([FIRST, SECOND])
    for name, parameter in model.named_parameters():
        parameter.requires_grad = f".{SECOND}." in name


def _lora(config: TrialConfig, model: Any, *, rank: int | None, alpha: float | None, **options: Any) -> Any:
    from peft import LoraConfig

    assert config.target_modules is not None
    return LoraConfig(
        task_type=family_of(model.config).task_type,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets_of(config.target_modules, model),
        exclude_modules=OTHER_SENSES.pattern if has_other_senses(model) else None,
        **options,
    )
