"""Building the model that a trial trains: one builder for each way that a method of the table goes.

An entry of `study.methods` names its builder; a method that differs in one step overrides that step.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from study.config import TrialConfig
from study.methods.method import Phase
from study.models.adapters import add_adapter, load_adapters, lora_config, stack_adapter
from study.models.loading import load_base
from study.models.quantized import prepare_quantized, quantization_config
from study.sources.finding import Source
from study.workplace import Workplace


class Builder:
    """Builds models whose every weight trains: full fine-tuning.

    A builder has no state: all that it needs is in the configuration and the workplace.
    """

    def load_base(self, config: TrialConfig, workplace: Workplace) -> Any:
        """Return the base model, without what the method adds."""
        return load_base(workplace.model, device_map=_device_map(workplace))

    def adapt(self, model: Any, config: TrialConfig) -> Any:
        """Return a base model with what trains in the first phase."""
        return model

    def begin_phase(self, model: Any, config: TrialConfig, phase: Phase) -> None:
        """Put on a model that has ended a phase what trains in the next one."""
        raise NotImplementedError(f"method {config.method} has one phase")

    def load_kept(self, config: TrialConfig, workplace: Workplace, folder: Path) -> Any:
        """Return the model that a trial trained and kept in `folder`, as it was scored.

        Raises:
            UserError: the base or the kept model can't be read.
        """
        return load_base(Source(config.model, folder), device_map=_device_map(workplace))

    def optimizer(self, config: TrialConfig, workplace: Workplace) -> str:
        """Return the Trainer's name of the optimizer: AdamW."""
        return "adamw_torch"


class Untrained(Builder):
    """The base model as it is."""

    def adapt(self, model: Any, config: TrialConfig) -> Any:
        """Return the model, frozen."""
        model.requires_grad_(False)
        return model


class Adapter(Builder):
    """A frozen base with an adapter that trains: LoRA's (Hu et al. 2021)."""

    def adapter(self, model: Any, config: TrialConfig) -> Any:
        """Return the config of peft that the adapter is made from."""
        return lora_config(model, config)

    def adapt(self, model: Any, config: TrialConfig) -> Any:
        """Return the model with a fresh adapter.

        Raises:
            UserError: a target module is not in the model.
        """
        return add_adapter(model, self.adapter(model, config), config)

    def load_kept(self, config: TrialConfig, workplace: Workplace, folder: Path) -> Any:
        """Return the base, loaded as in the training, with the adapters in `folder`, which are not merged."""
        model = with_all_adapters(self.load_base(config, workplace), config)
        load_adapters(model, folder)
        return model


class QuantizedAdapter(Adapter):
    """An adapter over a base in 4 or 8 bits: QLoRA (Dettmers et al. 2023)."""

    def load_base(self, config: TrialConfig, workplace: Workplace) -> Any:
        """Return the base in few bits, ready to carry an adapter that trains.

        Raises:
            UserError: a model of its type can't be used so.
        """
        quantization = quantization_config(config, use_gpu=workplace.use_gpu)
        return prepare_quantized(
            load_base(workplace.model, device_map=_device_map(workplace), quantization_config=quantization)
        )

    def optimizer(self, config: TrialConfig, workplace: Workplace) -> str:
        """Return paged AdamW on a GPU, whose state moves to the host's memory when the GPU's is full.

        A CPU has plain AdamW, and a line before the first trial says so.
        """
        return "paged_adamw_32bit" if workplace.use_gpu else super().optimizer(config, workplace)


class StackedAdapters(Adapter):
    """Two adapters, one after the other: W = W0 + dW1 + dW2."""

    def begin_phase(self, model: Any, config: TrialConfig, phase: Phase) -> None:
        """Freeze the first adapter, which stays active, and put the second one on."""
        stack_adapter(model, config)


WHOLE_MODEL, UNTRAINED = Builder(), Untrained()
LORA, QLORA, STACKED_LORA = Adapter(), QuantizedAdapter(), StackedAdapters()


def builder_of(config: TrialConfig) -> Builder:
    """Return the builder of a configuration's method, which is no floor."""
    assert config.entry.builder is not None
    module, _, name = config.entry.builder.partition(":")
    builder = getattr(importlib.import_module(module), name)
    assert isinstance(builder, Builder)
    return builder


def build_base(config: TrialConfig, workplace: Workplace) -> Any:
    """Return the base model, quantised if the method says so, without an adapter.

    Raises:
        UserError: the model can't be read.
    """
    return builder_of(config).load_base(config, workplace)


def build_model(config: TrialConfig, workplace: Workplace) -> Any:
    """Return the model that a trial trains first: the base, with an adapter if the method has one.

    Raises:
        UserError: the model can't be read, or the adapter's target modules are not in it.
    """
    return builder_of(config).adapt(build_base(config, workplace), config)


def with_all_adapters(model: Any, config: TrialConfig) -> Any:
    """Return `model` with every adapter that a trial of its method ends with: for counting and estimating."""
    builder = builder_of(config)
    model = builder.adapt(model, config)
    for phase in config.entry.phases[1:]:
        builder.begin_phase(model, config, phase)
    return model


def _device_map(workplace: Workplace) -> dict[str, Any]:
    return {"": 0 if workplace.use_gpu else "cpu"}
