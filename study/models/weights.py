"""Whether a model's files are whole: every weight has a place in the model, and every place a weight.

Only the headers of the safetensors are read; the model is built on torch's meta device, where it has no
memory.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.models.faults import told_in_one_line
from study.sources.finding import Source

INDEX = "model.safetensors.index.json"
# What wrote a weight's name with something before it, and how to take that off.
_WRAPPERS = {
    "_orig_mod.": ("torch.compile", "save model._orig_mod instead"),
    "module.": ("DataParallel", "save model.module instead"),
    "_forward_module.": ("Lightning Fabric", "save the model inside it instead"),
    "_fsdp_wrapped_module.": ("FSDP", "save the model inside it instead"),
    "base_model.model.": ("peft", "save what merge_and_unload() returns instead"),
}
# Tables that older versions kept beside the weights; they are computed anew.
_TABLES = (".inv_freq", ".masked_bias", ".attn.bias", ".attention.bias", "position_ids", ".sin", ".cos")
_NOT_FLOATS = ("I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL")


def check_not_quantized(source: Source, config: Any) -> None:
    """Check that a base model's weights are plain numbers, for a quantised one is no base of lora or full.

    Raises:
        UserError: its configuration says that it is quantised.
    """
    for part in (config, config.get_text_config(decoder=True)):
        found = getattr(part, "quantization_config", None) or getattr(part, "compression_config", None)
        if found:
            settings = found if isinstance(found, Mapping) else vars(found)
            method = str(settings.get("quant_method") or "some method").rpartition(".")[2].lower()
            raise UserError(
                f"model '{source.name}' is quantised already ({method}), so that lora, full and qlora would "
                "all be something else; valid: the model that it was made from, which qlora quantises itself"
            )


def load_whole(source: Source, auto_class: Any) -> Any:
    """Return the model on the meta device, once its files are found whole.

    Args:
        auto_class: transformers' class that loads it.

    Raises:
        UserError: a file is broken or missing, a weight has no place, or a place no weight.
    """
    import torch

    dtypes = _read_headers(source)
    with told_in_one_line(source, "model"):
        model, report = auto_class.from_pretrained(
            source.path,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            device_map="meta",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    floats = {name for name, dtype in dtypes.items() if dtype not in _NOT_FLOATS}
    spare = {name for name in report["unexpected_keys"] if name in floats and not name.endswith(_TABLES)}
    missing = set(report["missing_keys"]) | _lost_head(source, model, dtypes.keys())
    _check_names(source, model, missing, spare)
    _check_shapes(source, report["mismatched_keys"])
    packed = sorted(dtypes.keys() - floats - set(report["unexpected_keys"]))
    if packed and any(dict(model.named_parameters()).get(name) is not None for name in packed):
        raise UserError(
            f"weight {packed[0]} of model '{source.name}' is stored as {dtypes[packed[0]]}: it is quantised "
            "already, and config.json does not say how; valid: the model that it was made from"
        )
    return model


def _read_headers(source: Source) -> dict[str, str]:
    """Return weight -> safetensors' name of its type, of all files that a model is read from.

    Raises:
        UserError: a file is no safetensors, or the index names one that is not there.
    """
    from safetensors import safe_open

    dtypes: dict[str, str] = {}
    for path in _weight_files(source):
        if path.stat().st_size == 0:
            raise UserError(f"'{path}' is empty; fetch or copy it again")
        with path.open("rb") as file:
            if file.read(8) == b"version ":  # https://git-lfs.github.com/spec/v1
                raise UserError(
                    f"'{path}' is Git LFS's pointer, not the weights; run git lfs pull in its folder"
                )
        with told_in_one_line(source, f"file {path.name}"), safe_open(path, framework="pt") as weights:
            dtypes |= {name: weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
    return dtypes


def _weight_files(source: Source) -> list[Path]:
    index, single = source.path / INDEX, source.path / "model.safetensors"
    if single.is_file():
        return [single]
    if not index.is_file():
        found = sorted(path.name for path in source.path.glob("*.safetensors"))
        raise UserError(
            f"model '{source.name}' needs its weights in model.safetensors, or in the files that {INDEX} "
            f"names; found {', '.join(found[:3])}"
        )
    with told_in_one_line(source, f"file {INDEX}"):
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    missing = [name for name in names if not (source.path / name).is_file()]
    if missing:
        raise UserError(
            f"model '{source.name}' lacks {len(missing)} of its {len(names)} files of weights "
            f"({', '.join(missing[:3])}), which {INDEX} names; fetch or copy it again"
        )
    return [source.path / name for name in names]


def _check_names(source: Source, model: Any, missing: set[str], spare: set[str]) -> None:
    buffers = {name for name, _ in model.named_buffers()}
    missing = missing - buffers
    for prefix, (what, cure) in _WRAPPERS.items():
        if wrapped := sorted(name for name in spare if name.startswith(prefix)):
            raise UserError(
                f"the weights of model '{source.name}' are named as {what} names them ({wrapped[0]}), so "
                f"that the model would be random; {cure}"
            )
    head = model.get_output_embeddings()
    heads = {name for name, module in model.named_modules() if module is head}
    if missing and {name.rpartition(".")[0] for name in missing} <= heads:
        what = f"; it has {_some(spare)} instead" if spare else ""
        raise UserError(
            f"model '{source.name}' has no head ({_some(missing)}){what}: it was saved without one, and a "
            f"random one would be trained; valid: a model that {type(model).__name__}.save_pretrained wrote"
        )
    if missing:
        raise UserError(
            f"model '{source.name}' lacks {len(missing)} weights ({_some(missing)}), which would be random"
            + (f", and holds {len(spare)} that it has no place for ({_some(spare)})" if spare else "")
            + f"; valid: a model that {type(model).__name__}.save_pretrained wrote"
        )
    if spare:
        raise UserError(
            f"model '{source.name}' holds {len(spare)} weights that a {type(model).__name__} has no place "
            f"for ({_some(spare)}); valid: a model that {type(model).__name__}.save_pretrained wrote"
        )


def _lost_head(source: Source, model: Any, stored: Collection[str]) -> set[str]:
    """Return the head that a T5 v1.1 was saved without: transformers would put its embeddings there.

    It ties the head of every T5, and reads that config.json denies it as another setting.
    """
    if getattr(model.config, "scale_decoder_outputs", True) or "lm_head.weight" in stored:
        return set()
    about = json.loads((source.path / "config.json").read_text(encoding="utf-8"))
    saved_by = str(next(iter(about.get("architectures") or ()), ""))
    untied = about.get("tie_word_embeddings") is False or not saved_by.endswith("Generation")
    return {"lm_head.weight"} if untied else set()


def _check_shapes(source: Source, mismatched: Iterable[Any]) -> None:
    for name, found, expected in sorted(mismatched, key=str):
        raise UserError(
            f"weight {name} of model '{source.name}' is {_shape(found)}, by its config.json "
            f"{_shape(expected)}; valid: weights and config.json of one model"
        )


def _shape(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _some(names: Iterable[str], most: int = 2) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:most]) + (", ..." if len(ordered) > most else "")
