"""The modules on which an adapter is put: those that a study names, and what its names of groups come to.

`all-linear` is peft's: every linear layer but the head. `query-value` is peft's for the types that it knows,
and for the others the attention's own: its layers of the query and of the value, or the one that makes both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from study.config import TARGET_GROUPS
from study.errors import UserError, unknown_name

# What models call the attention's layers that make query and value; where one layer makes both, it alone.
_QUERY_AND_VALUE = (
    ("q_proj", "v_proj"), ("q", "v"), ("query", "value"), ("q_lin", "v_lin"), ("wq", "wv"),
    ("Wq", "Wv"), ("to_q", "to_v"), ("query_proj", "value_proj"), ("q_b_proj", "kv_b_proj"),
    ("q_proj", "kv_b_proj"),
    ("qkv_proj",), ("query_key_value",), ("Wqkv",), ("wqkv",), ("c_attn",), ("qkv",), ("att_proj",),
    ("W_pack",),
)  # fmt: skip
# Parts of a model that see or hear: the study gives it text alone.
OTHER_SENSES = re.compile(
    r"(^|.*\.)(vision|visual|audio|image|speech|multi_modal|multimodal|mm)_?\w*(\..*|$)"
)


def targets_of(name: str, model: Any) -> str | list[str]:
    """Return peft's `target_modules` for the value of a configuration: names, a pattern, or `all-linear`.

    Args:
        name: a group, or names joined by commas.
        model: with or without adapters, on any device.

    Raises:
        UserError: query and value can't be told in this model.
    """
    if name != "query-value":
        return name if name in TARGET_GROUPS else name.split(",")
    return known_to_peft(model) or query_and_value(model)


def query_and_value(model: Any) -> list[str]:
    """Return the last parts of the names of the attention's layers that make query and value.

    Raises:
        UserError: none are found; the message names the modules that there are.
    """
    linear = [name for name, _ in _linear_layers(model) if not OTHER_SENSES.match(name)]
    attention = [name for name in linear if "att" in name.lower()]
    # xLSTM has query and value, and calls what they are in no attention.
    found = _pairs(attention) or _pairs(linear)
    if not found:
        names = sorted({name.rpartition(".")[2] for name in attention or linear if not name[-1].isdigit()})
        raise UserError(
            f"target_modules=query-value: a model of type '{model.config.model_type}' has no layers of query "
            f"and value; name modules with --set target_modules=; valid: {', '.join(names) or 'all-linear'}"
        )
    return list(dict.fromkeys(name for pair in found for name in pair))


def _pairs(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return what of `_QUERY_AND_VALUE` one module has."""
    children: dict[str, set[str]] = {}
    for name in names:
        parent, _, last = name.rpartition(".")
        children.setdefault(parent, set()).add(last)
    return [pair for pair in _QUERY_AND_VALUE if any(set(pair) <= own for own in children.values())]


def check_targets(name: str, model: Any, model_name: str) -> None:
    """Check that the modules a study names are in a model, and that none is tied to another.

    Args:
        name: a value of `TrialConfig.target_modules`.

    Raises:
        UserError: a module is not in the model; or it shares its weight with another, so that the adapter
        merged into it would change both, and the merged model would not answer as the measured one.
    """
    targets = targets_of(name, model)
    if isinstance(targets, str):
        return
    names = [own for own, _ in model.named_modules()]
    tied = _tied(model)
    for target in targets:
        own = [name for name in names if name == target or name.endswith(f".{target}")]
        if not own:
            last_parts = {name.rpartition(".")[2] for name, _ in _linear_layers(model)}
            raise unknown_name(f"target module of model '{model_name}'", target, last_parts)
        for name in own:
            if name in tied:
                raise UserError(
                    f"target module '{target}' of model '{model_name}' shares its weight with {tied[name]}: "
                    "an adapter merged into it would change both; valid: others, or all-linear"
                )


def has_other_senses(model: Any) -> bool:
    """Tell whether parts of a model see or hear."""
    return any(OTHER_SENSES.match(name) for name, _ in model.named_modules())


def share_of_fused_experts(model: Any) -> float:
    """Return the share of a model's weights in experts that are one tensor, no linear layers: 0 to 1."""
    total = fused = 0
    for name, parameter in model.named_parameters():
        total += parameter.numel()
        fused += parameter.numel() if "expert" in name and parameter.dim() >= 3 else 0
    return fused / max(1, total)


def known_to_peft(model: Any) -> str | list[str] | None:
    """Return what peft takes for query and value of a model's type, if this model has such modules."""
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN

    known = KNOWN.get(model.config.model_type)
    names = [name for name, _ in model.named_modules()]
    if isinstance(known, str):
        return known if any(re.fullmatch(known, name) for name in names) else None
    ends = tuple(f".{last}" for last in known or ())
    return list(known) if known and any(name.endswith(ends) for name in names) else None


def _linear_layers(model: Any) -> Iterator[tuple[str, Any]]:
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    for name, module in model.named_modules():
        inside = getattr(module, "base_layer", module)  # under an adapter
        if name and isinstance(inside, nn.Linear | Conv1D):
            yield name, module


def _tied(model: Any) -> dict[str, str]:
    """Return module -> the module whose weight it shares."""
    pairs = getattr(model, "all_tied_weights_keys", None) or {}
    found: dict[str, str] = {}
    for one, other in pairs.items():
        first, second = one.rpartition(".")[0], other.rpartition(".")[0]
        found |= {first: second, second: first}
    return found
