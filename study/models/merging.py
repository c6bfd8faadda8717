"""Merging adapters into their base, so that the merged model answers as the adapted one did."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any


def copy_rounded(quantized: Any, base: Any) -> Any:
    """Give `base` the weights that a quantised model of the same kind computes with, and return it.

    An adapter trained over 4 or 8 bits answers otherwise over the weights that they were rounded from.
    """
    import torch
    from peft.utils.integrations import dequantize_module_weight, get_bnb_param_type

    for name, module in quantized.named_modules():
        if get_bnb_param_type(getattr(module, "weight", None)):
            own = base.get_submodule(name).weight
            weight = dequantize_module_weight(module)
            # GPT-2 keeps its weights the other way round.
            with torch.no_grad():
                own.copy_(weight if type(base.get_submodule(name)) is torch.nn.Linear else weight.T)
    return base


def merge(model: Any) -> Any:
    """Return the base of a peft model with all its active adapters added to its weights."""
    untied = _untie_adapted(model)
    tied = model.config.tie_word_embeddings
    with warnings.catch_warnings():
        # peft takes a head that is tied to the decoder's embeddings (T5Gemma) for one that is not tied, by
        # looking at the encoder's; saved as such, it would be a random head when it is read again.
        warnings.filterwarnings("ignore", message="Input and output embeddings are no longer tied")
        base = model.merge_and_unload(adapter_names=model.active_adapters)
    base.config.tie_word_embeddings = tied and not untied
    return base


def _untie_adapted(model: Any) -> bool:
    """Give each adapted layer a weight of its own; return whether one had none.

    Merged into a head that is tied to the embeddings, an adapter would change what the model reads too.
    """
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    weights = [module._parameters.get("weight") for module in model.modules()]
    users = Counter(id(weight) for weight in weights if weight is not None)
    layers = [module.get_base_layer() for module in model.modules() if isinstance(module, BaseTunerLayer)]
    shared = [layer for layer in layers if users[id(layer._parameters.get("weight"))] > 1]
    for layer in shared:
        layer.weight = torch.nn.Parameter(layer.weight.detach().clone(), requires_grad=False)
    return bool(shared)
