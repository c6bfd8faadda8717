"""Keeping an arm's model, reading it back, and merging its adapters into the base.

What is kept is what from_pretrained reads: the adapter (stacked LoRA: one in each of two folders) or all
weights, the tokenizer, and `trial.json`, which says how the model was made and is to be asked.
"""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from study.config import TrialConfig, make_config
from study.errors import UserError
from study.machine.durable import replace
from study.machine.permissions import follow_umask
from study.models.adapters import FIRST, SECOND
from study.models.building import build_base
from study.models.faults import told_in_one_line
from study.models.loading import load_base, load_tokenizer
from study.models.merging import copy_rounded, merge
from study.sources.finding import HUB_NAME, Source, find_model, fingerprint_folder
from study.sources.shipped import MODELS
from study.trial.record import SaveModel
from study.winner.asking import Asked
from study.winner.choosing import TRIAL_FILE
from study.workplace import Workplace


def saver(path: Path, config: TrialConfig, base: Source, asked: Asked | None = None) -> SaveModel:
    """Return the function that writes a trial's model to the folder `path`, whole or not at all.

    Args:
        asked: its task, where that is another than worked problems.
    """

    def save(model: Any, tokenizer: Any) -> None:
        from study.models.decoding import decode_greedily

        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        # Of the same trial, cut off: two would not keep to --max-disk.
        shutil.rmtree(path, ignore_errors=True)
        try:
            decode_greedily(model, tokenizer, config.template)
            model.save_pretrained(temporary)
            model.generation_config.save_pretrained(temporary)  # beside an adapter too
            for card in temporary.rglob("README.md"):  # peft's empty form; `study.export` writes one
                card.unlink()
            _name_the_base(temporary, base)
            save_tokenizer(tokenizer, model, temporary)
            about = {"config": config.model_dump(mode="json"), "base": str(base.path)}
            about |= asked.description if asked else {}
            (temporary / TRIAL_FILE).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            follow_umask(temporary)
            replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    return save


def save_tokenizer(tokenizer: Any, model: Any, folder: Path) -> None:
    """Save the tokenizer as whoever asks the model in batches needs it: a decoder's pads on the left."""
    side = tokenizer.padding_side
    tokenizer.padding_side = "right" if model.config.is_encoder_decoder else "left"
    try:
        tokenizer.save_pretrained(folder)
    finally:
        tokenizer.padding_side = side


def _name_the_base(folder: Path, base: Source) -> None:
    """Let adapters on a model of the Hub name it and its commit, in place of a folder of this machine."""
    if base.revision is None:
        return
    for path in folder.rglob("adapter_config.json"):
        about = {"base_model_name_or_path": base.name, "revision": base.revision}
        path.write_text(
            json.dumps({**json.loads(path.read_text(encoding="utf-8")), **about}, indent=2) + "\n",
            encoding="utf-8",
        )


def read_trial_file(path: Path) -> tuple[TrialConfig, Source]:
    """Return the configuration and the base model of a kept model.

    Raises:
        UserError: the folder holds no kept model.
    """
    try:
        about = json.loads((path / TRIAL_FILE).read_text(encoding="utf-8"))
        config, base = make_config(about["config"]), Path(about["base"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"'{path}' holds no model of a study: it has no readable {TRIAL_FILE}") from None
    return config, Source(config.model, base)


def load_kept(path: Path, base: Source | None = None) -> tuple[Any, Any, TrialConfig]:
    """Return (model, tokenizer, configuration) of a kept or exported model, as it was scored.

    Its adapters are not merged, and their base is quantised as in the training.

    Args:
        path: the model's folder.
        base: where the base model is now, if not where it was.

    Raises:
        UserError: the folder holds no kept model, or its base can't be read.
    """
    return _load(path, base, whole=False)


def load_merged(path: Path, base: Source | None = None) -> tuple[Any, Any, TrialConfig]:
    """Return the same as `load_kept`, with the adapters merged into the base.

    A quantised base is one of 32-bit floats then, which hold what its 4 or 8 bits come to: the adapter was
    trained on those, and answers differently over the weights that they were rounded from.

    Raises:
        UserError: the folder holds no kept model, or its base can't be read.
    """
    model, tokenizer, config = _load(path, base, whole=True)
    return merge(model) if hasattr(model, "peft_config") else model, tokenizer, config


def _load(path: Path, base: Source | None, *, whole: bool) -> tuple[Any, Any, TrialConfig]:
    from study.models.decoding import decode_greedily

    config, recorded = read_trial_file(path)
    tokenizer = load_tokenizer(Source(config.model, path))
    if not config.entry.trains_adapter or not adapter_folders(path):
        model = load_base(Source(config.model, path))
    elif base is not None and not base.path.is_dir():
        raise UserError(f"--base '{base.path}' is no folder; it must hold the base model '{config.model}'")
    else:
        model = _adapted(_base(base or _find_base(recorded, config), config, whole=whole), path)
    decode_greedily(model, tokenizer, config.template)
    return model, tokenizer, config


def _base(source: Source, config: TrialConfig, *, whole: bool) -> Any:
    """Return the base, quantised as in the training; if `whole`, its weights in 32-bit floats."""
    model = build_base(config, Workplace(model=source, data=source))  # nothing is read of the data
    return copy_rounded(model, load_base(source)) if whole and config.quantization != "none" else model


def _find_base(recorded: Source, config: TrialConfig) -> Source:
    """Return the base where it was, or, shipped or on the Hub, where it is on this machine."""
    if recorded.path.is_dir():
        return recorded
    if config.model not in MODELS and not HUB_NAME.fullmatch(config.model):
        raise UserError(f"the base model '{config.model}' is not at '{recorded.path}'; name it with --base")
    found = find_model(config.model)
    if (found.revision or fingerprint_folder(found.path)) != config.model_fingerprint:
        raise UserError(
            f"the base model '{config.model}' has changed since this model was trained; "
            "name the folder of the one it was trained on with --base"
        )
    return found


def _adapted(base: Any, path: Path) -> Any:
    """Return the base with the adapters of a folder on it, all of them active."""
    from peft import PeftModel

    folders = adapter_folders(path)
    (first_name, first), *rest = folders.items()
    with told_in_one_line(Source(first_name, path), "adapter"):
        model = PeftModel.from_pretrained(base, first, adapter_name=first_name)
        for name, folder in rest:
            model.load_adapter(folder, name)
    model.base_model.set_adapter([*folders], inference_mode=True)
    return model


def adapter_folders(path: Path) -> dict[str, Path]:
    """Return adapter name -> folder, in the order in which they were trained."""
    if (path / "adapter_config.json").is_file():
        return {"default": path}
    found = {name: path / name for name in (FIRST, SECOND)}
    return found if all((folder / "adapter_config.json").is_file() for folder in found.values()) else {}
