"""Finding a model or a data set: shipped with the project, a local folder, or a name on the Hub.

A Hub name is fetched once into the Hub's own cache and is a folder from then on, so everything behind
this module reads local folders alone. Fetched are safetensors, JSON, text, Parquet and Arrow: never a pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path

from study.errors import UserError
from study.sources.hub import HUB_NAME as HUB_NAME
from study.sources.hub import fetch, is_hub_name
from study.sources.shipped import CODE_DATA, DATA, MODELS, list_shipped

# A chat template is a .jinja.
_MODEL_SUFFIXES = (".json", ".safetensors", ".model", ".txt", ".spm", ".jinja")
_MODEL_FILES = [f"*{suffix}" for suffix in _MODEL_SUFFIXES]
# Every kind of file that `study.rows.files` reads, compressed or not; a README.md says which are which split.
_DATA_SUFFIXES = ("jsonl", "ndjson", "json", "csv", "tsv", "parquet", "arrow")
DATA_FILES = ["README.md", *(f"*.{s}*" for suffix in _DATA_SUFFIXES for s in (suffix, suffix.upper()))]
# One of these holds a tokenizer's vocabulary. The tokenizers that have none, for they read bytes, are named.
_VOCABULARIES = ("tokenizer.json", "*.model", "vocab.json", "vocab.txt")
_BYTE_TOKENIZERS = ("ByT5Tokenizer",)
_PICKLES = {".bin", ".pt", ".pth", ".ckpt"}
_OTHER_WEIGHTS = {
    ".gguf": "from_pretrained(..., gguf_file=...)",
    ".h5": "a transformers below 5 and from_tf=True",
    ".msgpack": "a transformers below 5 and from_flax=True",
}
# Types whose config.json may leave out that they are encoder-decoders.
_ENCODER_DECODERS = ("t5", "mt5", "umt5", "longt5", "bart", "mbart", "marian", "pegasus", "led")


@dataclass(frozen=True)
class Source:
    """A model or a data set that has been found.

    Attributes:
        name: as it stands in configurations and tables.
        path: the local folder.
        revision: the Hub's commit, or None for a folder that is not from the Hub.
    """

    name: str
    path: Path
    revision: str | None = None


def find_model(name: str) -> Source:
    """Return the folder of the base model called `name`, fetched from the Hub where it must be.

    Raises:
        UserError: there is no such folder, it holds no model, or the Hub can't be reached.
    """
    if name in MODELS:
        return Source(name, MODELS[name])
    source = _find("model", name, _MODEL_FILES)
    _check_model_folder(source)
    return source


def find_data(name: str) -> Source:
    """Return the folder (or file) of the data set called `name`, fetched from the Hub where it must be.

    Raises:
        UserError: there is no such folder, or the Hub can't be reached.
    """
    return Source(name, DATA[name]) if name in DATA else _find("dataset", name, DATA_FILES)


def find_code_data(name: str) -> Source:
    """Return the folder (or file) of the code data set called `name`; see `find_data`."""
    return Source(name, CODE_DATA[name]) if name in CODE_DATA else find_data(name)


def find_again(source: Source, kind: str) -> Source:
    """Return a source that another machine of a cluster has found as it lies on this one.

    Args:
        source: what was found there.
        kind: "model" or "dataset".

    Raises:
        UserError: a folder that does not lie here, or a Hub name that can't be fetched from here.
    """
    if source.path.exists():
        return source
    for shipped in (MODELS, DATA, CODE_DATA):
        # The project may be installed elsewhere on this machine.
        path = shipped.get(source.name)
        if path is not None and source.path.parts[-3:] == path.parts[-3:]:
            return replace(source, path=path)
    if source.revision is not None:
        patterns = _MODEL_FILES if kind == "model" else DATA_FILES
        return replace(source, path=fetch(kind, source.name, patterns, source.revision))
    raise UserError(
        f"'{source.path}' is not on {platform.node()}; valid on a cluster: a path on a file system that "
        f"every node shares, a Hub name, or {list_shipped(kind)}"
    )


def fingerprint_folder(folder: Path) -> str:
    """Return a 16-digit hash of a model folder's files: their names and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _MODEL_SUFFIXES:
            total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def fingerprint_tokenizer(folder: Path) -> str:
    """Return a 16-digit hash of a model folder's vocabulary: the contents of the files that hold it.

    Two models with one fingerprint cut a text into the same tokens. A tokenizer that reads bytes has no such
    file, and the same fingerprint as every other.
    """
    total = hashlib.sha256()
    for pattern in (*_VOCABULARIES, "merges.txt", "added_tokens.json"):
        for path in sorted(folder.glob(pattern)):
            total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def _find(kind: str, name: str, patterns: list[str]) -> Source:
    word = {"dataset": "data"}.get(kind, kind)
    found = Path(os.path.expanduser(name))
    # Those of os.path say no of a name that is too long or can't be looked up; pathlib's raise.
    if os.path.isfile(found) and kind == "dataset":
        # Not where a link leads: it is the link's own name that says what the file is.
        return Source(_text_name(word, found.name), found.absolute())
    if os.path.isdir(found):
        return Source(_text_name(word, found.resolve().name), found.resolve())
    if os.path.exists(found):
        what = "is no regular file" if kind == "dataset" else "is a file"
        raise UserError(f"{word} '{name}' {what}; valid: a folder, a Hub name, or {list_shipped(kind)}")
    if not is_hub_name(name):
        here = (
            f": '{found.parent}' is a folder here"
            if str(found.parent) != "." and found.parent.is_dir()
            else ""
        )
        raise UserError(
            f"no {word} '{name}': no such folder{' or file' if kind == 'dataset' else ''}, "
            f"and not a Hub name (owner/name){here}"
        )
    path = fetch(kind, name, patterns)
    return Source(name, path, revision=path.name)


def _text_name(word: str, name: str) -> str:
    """Return the name of a file or folder, which results record as text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"the name of the {word} '{name}' is no UTF-8; valid: another name") from None
    return name


def _check_model_folder(source: Source) -> None:
    folder = source.path
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"'{folder}' holds an adapter, not a model; valid: the two merged, as python -m study.export "
            "--merged or peft's merge_and_unload() and save_pretrained write them"
        )
    if not (folder / "config.json").is_file():
        raise UserError(f"'{folder}' holds no model: it has no config.json")
    if not list(folder.glob("*.safetensors")):
        raise UserError(f"model '{source.name}' needs weights as *.safetensors, found {_no_weights(source)}")
    if not any(next(folder.glob(name), None) for name in _VOCABULARIES) and not _reads_bytes(folder):
        raise UserError(
            f"model '{folder}' has no tokenizer: one of {', '.join(_VOCABULARIES)} must lie in it; "
            "a tokenizer's save_pretrained writes it"
        )


def _no_weights(source: Source) -> str:
    """Say what was found in place of safetensors, why it will not do, and what to do about it."""
    others = {path.suffix: path.name for path in sorted(source.path.iterdir(), reverse=True)}
    if source.revision is None and not others.keys() & (_PICKLES | _OTHER_WEIGHTS.keys()):
        return f"none in '{source.path}'"
    for suffix, cure in _OTHER_WEIGHTS.items():
        if suffix in others and not others.keys() & _PICKLES:
            return f"only {others[suffix]}: load it with {cure} and save_pretrained(FOLDER) it as safetensors"
    pickles = [others[suffix] for suffix in sorted(_PICKLES) if suffix in others]
    found = f"only a pickle ({pickles[0]})" if pickles else "none; a pickle is not fetched from the Hub"
    return (
        f"{found}: reading one can run any code in it; where you trust it, convert it with "
        f"{_auto_class(source.path)}.from_pretrained(...).save_pretrained(FOLDER), which writes safetensors"
    )


def _auto_class(folder: Path) -> str:
    """Return transformers' class that keeps a model's head: `AutoModel` would leave it out."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        seq2seq = settings.get("is_encoder_decoder") or settings.get("model_type") in _ENCODER_DECODERS
    except (OSError, ValueError, AttributeError):
        return "AutoModelForCausalLM (or AutoModelForSeq2SeqLM)"
    return "AutoModelForSeq2SeqLM" if seq2seq else "AutoModelForCausalLM"


def _reads_bytes(folder: Path) -> bool:
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        return settings["tokenizer_class"] in _BYTE_TOKENIZERS
    except (OSError, ValueError, KeyError, TypeError):
        return False
