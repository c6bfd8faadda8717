"""What becomes of a folder after its model was saved: each returns what does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers
from safetensors.torch import load_file, save_file

from tests.cases.models.tiny import Make, add_tokenizer, model_of


def then(*steps: Make) -> Make:
    """Return what does one thing after another."""

    def make(folder: Path) -> None:
        for step in steps:
            step(folder)

    return make


def settings(file: str, **changes: Any) -> Make:
    """Return what changes entries of a JSON file; None takes one out."""

    def make(folder: Path) -> None:
        path = folder / file
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        known = {name: value for name, value in {**known, **changes}.items() if value is not None}
        path.write_text(json.dumps(known), encoding="utf-8")

    return make


def written(file: str, content: str | bytes) -> Make:
    """Return what writes a file."""

    def make(folder: Path) -> None:
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def without(*files: str) -> Make:
    """Return what deletes files."""

    def make(folder: Path) -> None:
        for file in files:
            (folder / file).unlink()

    return make


def weights(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Make:
    """Return what changes the weights of model.safetensors."""

    def make(folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file({n: w.contiguous() for n, w in change(load_file(path)).items()}, path, {"format": "pt"})

    return make


def prefixed(prefix: str) -> Make:
    """Return what puts something before the name of every weight."""
    return weights(lambda found: {f"{prefix}{name}": weight for name, weight in found.items()})


def cut(file: str, keep: Callable[[int], int]) -> Make:
    """Return what cuts a file off."""

    def make(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: keep(len(content))])

    return make


def sharded(lost: int = 0) -> Make:
    """Return what saves a model in files of 100 kB, and loses some of them."""

    def make(folder: Path) -> None:
        model_of("llama").save_pretrained(folder, max_shard_size="100kB")
        add_tokenizer(folder)
        for path in sorted(folder.glob("*.safetensors"))[:lost]:
            path.unlink()

    return make


def special(token: str) -> Make:
    """Return what makes a text a special token, which decoding leaves out."""

    def make(folder: Path) -> None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.add_special_tokens({"additional_special_tokens": [token]})
        tokenizer.save_pretrained(folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder)
        model.resize_token_embeddings(len(tokenizer))
        model.save_pretrained(folder)

    return make


def template(single: list[Any]) -> Make:
    """Return what gives the tokenizer a template: "A" is the text, every other entry a special token."""

    def make(folder: Path) -> None:
        path = folder / "tokenizer.json"
        about = json.loads(path.read_text(encoding="utf-8"))
        ids = {token["content"]: token["id"] for token in about["added_tokens"]}
        piece = [
            {"Sequence": {"id": "A", "type_id": 0}}
            if entry == "A"
            else {"SpecialToken": {"id": entry, "type_id": 0}}
            for entry in single
        ]
        special = {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in single if t != "A"}
        about["post_processor"] = {
            "type": "TemplateProcessing",
            "single": piece,
            "pair": [*piece, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": special,
        }
        path.write_text(json.dumps(about), encoding="utf-8")
        # Else T5's class puts its own template back.
        settings("tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")(folder)

    return make


def added_tokens(*tokens: str, special: bool = False) -> Make:
    """Return what adds tokens to the tokenizer, and no rows to the model."""

    def make(folder: Path) -> None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.add_tokens(list(tokens), special_tokens=special)
        tokenizer.save_pretrained(folder)

    return make
