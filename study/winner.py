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

from study.config import ADAPTER_METHODS, TrialConfig, make_config
from study.durable import replace
from study.errors import UserError
from study.methods import FIRST, SECOND
from study.models import load_base, load_tokenizer
from study.record import SaveModel
from study.sources import EMBEDDED, HUB_NAME, Source, find_model, fingerprint_folder

TRIAL_FILE = "trial.json"


def saver(path: Path, config: TrialConfig, base: Source) -> SaveModel:
    """Return the function that writes a trial's model to the folder `path`, whole or not at all."""

    def save(model: Any, tokenizer: Any) -> None:
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        shutil.rmtree(
            path, ignore_errors=True
        )  # of the same trial, cut off: two would not keep to --max-disk
        try:
            model.save_pretrained(temporary)
            for card in temporary.rglob("README.md"):  # peft's empty form; `study.export` writes one
                card.unlink()
            _name_the_base(temporary, base)
            tokenizer.save_pretrained(temporary)
            about = {"config": config.model_dump(mode="json"), "base": str(base.path)}
            (temporary / TRIAL_FILE).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    return save


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


def load_merged(path: Path, base: Source | None = None) -> tuple[Any, Any, TrialConfig]:
    """Return (model, tokenizer, configuration) of a kept model, its adapters merged into the base.

    QLoRA's adapter is merged into the base in full precision: merging into 4 bits would round the sum.

    Args:
        path: the kept model's folder.
        base: where the base model is now, if not where it was.

    Raises:
        UserError: the folder holds no kept model, or its base can't be read.
    """
    config, recorded = read_trial_file(path)
    tokenizer = load_tokenizer(Source(config.model, path))
    if config.method not in ADAPTER_METHODS or not adapter_folders(path):
        return load_base(Source(config.model, path)), tokenizer, config
    if base is not None and not base.path.is_dir():
        raise UserError(f"--base '{base.path}' is no folder; it must hold the base model '{config.model}'")
    return _merge(load_base(base or _find_base(recorded, config)), path), tokenizer, config


def _find_base(recorded: Source, config: TrialConfig) -> Source:
    """Return the base where it was, or, shipped or on the Hub, where it is on this machine."""
    if recorded.path.is_dir():
        return recorded
    if config.model != EMBEDDED and not HUB_NAME.fullmatch(config.model):
        raise UserError(f"the base model '{config.model}' is not at '{recorded.path}'; name it with --base")
    found = find_model(config.model)
    if (found.revision or fingerprint_folder(found.path)) != config.model_fingerprint:
        raise UserError(
            f"the base model '{config.model}' has changed since this model was trained; "
            "name the folder of the one it was trained on with --base"
        )
    return found


def _merge(base: Any, path: Path) -> Any:
    from peft import PeftModel

    folders = adapter_folders(path)
    (first_name, first), *rest = folders.items()
    model = PeftModel.from_pretrained(base, first, adapter_name=first_name)
    for name, folder in rest:
        model.load_adapter(folder, name)
    return model.merge_and_unload(adapter_names=list(folders))


def adapter_folders(path: Path) -> dict[str, Path]:
    """Return adapter name -> folder, in the order in which they were trained."""
    if (path / "adapter_config.json").is_file():
        return {"default": path}
    found = {name: path / name for name in (FIRST, SECOND)}
    return found if all((folder / "adapter_config.json").is_file() for folder in found.values()) else {}
