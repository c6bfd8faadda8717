"""The configurations that a data set's README.md names, as the Hub reads them: which files make which split.

configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from study.errors import UserError
from study.rows.files import file_kind
from study.rows.split_names import SPLIT_WORDS, splits_of

_CARD = "README.md"
_DEFAULT = "default"
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_PATTERN_SIGNS = {*"*?["}
_NOTHING = ("", "~", "null")
_YES = {"true", "yes", "on"}


def read_card(folder: Path, variant: str) -> Mapping[str, list[Path]] | Path | None:
    """Return the files of each split by the configuration of that name, or None where no card names any.

    For "main" the default configuration does, and one that is alone. Of one that names a folder alone
    (`data_dir`) that folder is returned: the names of its files say the splits.

    Raises:
        UserError: there are several configurations and none is meant, or one has no files here.
    """
    configurations = _configurations(folder)
    if not any({"data_files", "data_dir"} & {*c} for c in configurations):
        return None
    chosen = _choose(folder, configurations, variant)
    if chosen is None:
        return None
    if "data_files" in chosen:
        return _files_named(folder, chosen)
    return _folder_named(folder, chosen) if "data_dir" in chosen else None


def _folder_named(folder: Path, chosen: Mapping[str, Any]) -> Path:
    inner = PurePosixPath(str(chosen["data_dir"]))
    if _leads_out(inner) or not (folder / inner).is_dir():
        raise UserError(
            f"data folder '{folder}': {_CARD} names {str(inner)!r} for its configuration "
            f"{chosen.get('config_name', _DEFAULT)!r}, which is no folder in it"
        )
    return folder / inner


def _files_named(folder: Path, chosen: Mapping[str, Any]) -> Mapping[str, list[Path]]:
    patterns = _patterns(chosen["data_files"])
    meant = _splits_meant(folder, [split for split, _ in patterns])
    splits: dict[str, list[Path]] = {}
    for split, pattern in patterns:
        if split in meant:
            found = _matches(folder, str(chosen.get("data_dir", "")), pattern)
            splits.setdefault(meant[split], []).extend(found)
    for split in ("train", *splits):
        if not splits.get(split):
            raise UserError(
                f"data folder '{folder}': {_CARD} has no file for the {split} split of its configuration "
                f"{chosen.get('config_name', _DEFAULT)!r}; valid: a folder of that configuration's files"
            )
    return {split: [*dict.fromkeys(paths)] for split, paths in splits.items()}


def _configurations(folder: Path) -> list[dict[str, Any]]:
    try:
        text = (folder / _CARD).read_text(encoding="utf-8-sig", errors="replace")
        head = _FRONT_MATTER.match(text)
        # All that is written is text: a date or a number that is none is no fault of the configurations.
        card = yaml.load(head[1], Loader=yaml.BaseLoader) if head else None
    except (OSError, yaml.YAMLError, RecursionError):
        return []
    found = card.get("configs") if isinstance(card, dict) else None
    configurations = [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []
    return [{key: value for key, value in c.items() if value not in _NOTHING} for c in configurations]


def _choose(folder: Path, configurations: Sequence[dict[str, Any]], variant: str) -> dict[str, Any] | None:
    names = [str(c.get("config_name", _DEFAULT)) for c in configurations]
    if variant in names:
        return configurations[names.index(variant)]
    if variant != "main":
        return None
    default = [c for c in configurations if str(c.get("default")).lower() in _YES]
    default = default or [c for c in configurations if c.get("config_name", _DEFAULT) == _DEFAULT]
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
    if _leads_out(inner) or "://" in pattern or not inner.parts:
        return []
    try:
        found = [path for path in folder.glob(str(inner)) if path.is_file() and file_kind(path) is not None]
    except (ValueError, NotImplementedError) as error:
        raise UserError(
            f"data folder '{folder}': {_CARD} names its files by {str(inner)!r}, a pattern that can't be "
            f"followed ({error}); valid: '*' within a name, '**' for folders"
        ) from None
    if not found and not _PATTERN_SIGNS & {*str(inner)}:
        raise UserError(f"data folder '{folder}': {_CARD} names {str(inner)!r}, which is no data file there")
    return sorted(found)


def _leads_out(inner: PurePosixPath) -> bool:
    return inner.is_absolute() or ".." in inner.parts
