"""The configurations that a data set's README.md names, as the Hub reads them: which files make which split.

configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from study.errors import UserError
from study.row_files import file_kind
from study.split_names import SPLIT_WORDS, splits_of

_CARD = "README.md"
_DEFAULT = "default"


def read_card(folder: Path, variant: str) -> Mapping[str, list[Path]] | None:
    """Return the files of each split by the configuration of that name, or None where no card names any.

    For "main" the default configuration does, and one that is alone.

    Raises:
        UserError: there are several configurations and none is meant, or one has no files here.
    """
    configurations = [c for c in _configurations(folder) if "data_files" in c]
    if not configurations:
        return None
    chosen = _choose(folder, configurations, variant)
    if chosen is None:
        return None
    patterns = _patterns(chosen["data_files"])
    meant = _splits_meant(folder, [split for split, _ in patterns])
    splits: dict[str, list[Path]] = {}
    for split, pattern in patterns:
        if split in meant:
            found = _matches(folder, str(chosen.get("data_dir") or ""), pattern)
            splits.setdefault(meant[split], []).extend(found)
    if not splits.get("train"):
        raise UserError(
            f"data folder '{folder}': {_CARD} has no file for the train split of its configuration "
            f"'{chosen.get('config_name', _DEFAULT)}'; valid: a folder of that configuration's files"
        )
    return {split: [*dict.fromkeys(paths)] for split, paths in splits.items() if paths}


def _configurations(folder: Path) -> list[dict[str, Any]]:
    try:
        text = (folder / _CARD).read_text(encoding="utf-8-sig", errors="replace")
        head = text.split("---", 2)[1] if text.startswith("---") else ""
        card = yaml.safe_load(head)
    except (OSError, IndexError, yaml.YAMLError):
        return []
    found = card.get("configs") if isinstance(card, dict) else None
    return [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []


def _choose(folder: Path, configurations: Sequence[dict[str, Any]], variant: str) -> dict[str, Any] | None:
    names = [str(c.get("config_name", _DEFAULT)) for c in configurations]
    if variant in names:
        return configurations[names.index(variant)]
    if variant != "main":
        return None
    default = [c for c in configurations if c.get("default") is True or c.get("config_name") == _DEFAULT]
    if len(configurations) == 1 or len(default) == 1:
        return (default or [*configurations])[0]
    raise UserError(
        f"data folder '{folder}' has several configurations and no default ({', '.join(names[:12])}); "
        "valid: a folder of one configuration's files"
    )


def _splits_meant(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return name of a split -> train, validation or test: what is called so, else the one with that word."""
    meant = {name: SPLIT_WORDS[name.lower()] for name in names if name.lower() in SPLIT_WORDS}
    for word in {*SPLIT_WORDS.values()} - {*meant.values()}:
        alike = dict.fromkeys(name for name in names if splits_of(PurePosixPath(name)) == {word})
        if len(alike) > 1:
            raise UserError(
                f"data folder '{folder}': {_CARD} names several {word} splits ({', '.join(alike)}); "
                "valid: a folder of one split's files each"
            )
        meant |= dict.fromkeys(alike, word)
    return meant


def _patterns(data_files: Any) -> list[tuple[str, str]]:
    """Return (split, pattern) of what `data_files` says: a pattern, several, by split or not."""
    if isinstance(data_files, str):
        return [("train", data_files)]
    if isinstance(data_files, dict):
        return [(str(split), pattern) for split, own in data_files.items() for pattern in _texts(own)]
    found: list[tuple[str, str]] = []
    for part in data_files if isinstance(data_files, list) else []:
        if isinstance(part, dict):
            found += [(str(part.get("split", "train")), pattern) for pattern in _texts(part.get("path"))]
        else:
            found += [("train", pattern) for pattern in _texts(part)]
    return found


def _texts(value: Any) -> list[str]:
    return [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)]


def _matches(folder: Path, data_dir: str, pattern: str) -> list[Path]:
    """Return the files within `folder` that a pattern names; a pattern that leads out of it names none."""
    inner = PurePosixPath(data_dir, pattern)
    if inner.is_absolute() or ".." in inner.parts or "://" in pattern or not inner.parts:
        return []
    return sorted(path for path in folder.glob(str(inner)) if path.is_file() and file_kind(path) is not None)
