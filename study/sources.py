"""Finding a model or a data set: shipped with the project, a local folder, or a name on the Hub.

A Hub name is fetched once into the Hub's own cache and is a folder from then on, so everything behind
this module reads local folders alone. Fetched are safetensors, JSON, text, Parquet and Arrow: never a pickle.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from dataclasses import dataclass, replace
from pathlib import Path

from study import embedded
from study.errors import UserError

EMBEDDED = "embedded"
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_MODEL_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
# Every kind of file that `study.row_files` reads, compressed or not; a README.md says which are which split.
_DATA_SUFFIXES = ("jsonl", "ndjson", "json", "csv", "tsv", "parquet", "arrow")
_DATA_FILES = ["README.md", *(f"*.{s}*" for suffix in _DATA_SUFFIXES for s in (suffix, suffix.upper()))]
# One of these holds a tokenizer's vocabulary. The tokenizers that have none, for they read bytes, are named.
_VOCABULARIES = ("tokenizer.json", "*.model", "vocab.json", "vocab.txt")
_BYTE_TOKENIZERS = ("ByT5Tokenizer",)
_PICKLES = {".bin", ".pt", ".pth", ".ckpt"}


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


class HubUnreachable(UserError):
    """A Hub name that is not in the Hub's cache, without a network."""


def find_model(name: str) -> Source:
    """Return the folder of the base model called `name`, fetched from the Hub where it must be.

    Raises:
        UserError: there is no such folder, it holds no model, or the Hub can't be reached.
    """
    if name == EMBEDDED:
        return Source(EMBEDDED, embedded.MODEL_DIR)
    source = _find("model", name, _MODEL_FILES)
    _check_model_folder(source)
    return source


def find_data(name: str) -> Source:
    """Return the folder (or file) of the data set called `name`, fetched from the Hub where it must be.

    Raises:
        UserError: there is no such folder, or the Hub can't be reached.
    """
    return Source(EMBEDDED, embedded.DATA_DIR) if name == EMBEDDED else _find("dataset", name, _DATA_FILES)


def find_code_data(name: str) -> Source:
    """Return the folder (or file) of the code data set called `name`; see `find_data`."""
    return Source(EMBEDDED, embedded.DATA_DIR / "code") if name == EMBEDDED else find_data(name)


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
    for shipped in (embedded.MODEL_DIR, embedded.DATA_DIR, embedded.DATA_DIR / "code"):
        # The project may be installed elsewhere on this machine.
        if source.name == EMBEDDED and source.path.parts[-3:] == shipped.parts[-3:]:
            return replace(source, path=shipped)
    if source.revision is not None:
        patterns = _MODEL_FILES if kind == "model" else _DATA_FILES
        return replace(source, path=_fetch(kind, source.name, patterns, source.revision))
    raise UserError(
        f"'{source.path}' is not on {platform.node()}; valid on a cluster: a path on a file system that "
        f"every node shares, a Hub name, or '{EMBEDDED}'"
    )


def fingerprint_folder(folder: Path) -> str:
    """Return a 16-digit hash of a model folder's files: their names and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".model", ".txt"}:
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
    found = Path(name).expanduser()
    if found.is_file() and kind == "dataset":
        # Not where a link leads: it is the link's own name that says what the file is.
        return Source(found.name, found.absolute())
    if found.is_dir():
        return Source(found.resolve().name, found.resolve())
    if found.exists():
        raise UserError(f"{word} '{name}' is a file; valid: a folder, a Hub name, or '{EMBEDDED}'")
    if not HUB_NAME.fullmatch(name):
        raise UserError(f"no {word} '{name}': no such folder, and not a Hub name (owner/name)")
    path = _fetch(kind, name, patterns)
    return Source(name, path, revision=path.name)


def _fetch(kind: str, name: str, patterns: list[str], revision: str | None = None) -> Path:
    # Imported late: the first line of a study must not wait for it.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(name, repo_type=kind, allow_patterns=patterns, revision=revision))
    except RepositoryNotFoundError:
        raise UserError(f"no {kind} '{name}': no such folder, and the Hub has none of that name") from None
    except (LocalEntryNotFoundError, OSError):
        raise HubUnreachable(
            f"{kind} '{name}' can't be fetched: it is no folder here, is not in the Hub's cache, "
            "and the Hub can't be reached; valid without a network: a local folder, or 'embedded'"
        ) from None


def _check_model_folder(source: Source) -> None:
    folder = source.path
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
    pickles = sorted(path.name for path in source.path.iterdir() if path.suffix in _PICKLES)
    if source.revision is None and not pickles:
        return f"none in '{source.path}'"
    found = f"only a pickle ({pickles[0]})" if pickles else "none; a pickle is not fetched from the Hub"
    return (
        f"{found}: reading one can run any code in it; where you trust it, convert it with "
        "AutoModel.from_pretrained(...).save_pretrained(FOLDER), which writes safetensors"
    )


def _reads_bytes(folder: Path) -> bool:
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        return settings["tokenizer_class"] in _BYTE_TOKENIZERS
    except (OSError, ValueError, KeyError, TypeError):
        return False
