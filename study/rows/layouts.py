"""Where the splits of a data set lie: the files of a folder that make each, by the layouts that people have.

    FILE                                          one file, of which a test split is held out
    FOLDER/{main,socratic}/...                    GSM8K's variants, each in any of the layouts below
    FOLDER/{train,test,validation}.jsonl          a file a split; train_socratic.jsonl is Socratic
    FOLDER/data/train-00000-of-00002.parquet      several parts a split, as the Hub keeps them
    FOLDER/train/part-00000-....json              a folder a split, as Spark and save_to_disk write them
    FOLDER/part-00000-....json                    the parts of one file, or one file of another name
    FOLDER/README.md                              its `configs` say which files are which split

The words that name a split are those of `datasets`. docs/data.md has the list with examples.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from study.errors import UserError, unknown_name
from study.rows.dataset_cards import read_card
from study.rows.files import describe_kinds, file_kind
from study.rows.split_names import are_parts, describe_fault, describe_gap, splits_of, words_of

VARIANTS = ("main", "socratic")
# Written beside the data by `datasets`: no rows.
_NO_DATA = {"state.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json"}
_NO_DATA_PREFIXES = (".", "_", "cache-")
_MOST_FOLDERS_DEEP = 4
_MOST_NAMES = 8


@dataclass(frozen=True)
class Layout:
    """The files of a variant's splits.

    Attributes:
        files: "train", "validation", "test" -> its files, in their order; "train" is there always.
        note: which files are left alone, or None.
    """

    files: Mapping[str, tuple[Path, ...]]
    note: str | None = None


def find_layout(source: Path, variant: str) -> Layout:
    """Return the files of a variant's splits; data of one's own are main alone.

    Raises:
        UserError: there is no such variant, no train split, or files that could be read in two ways.
    """
    if not source.exists():
        raise UserError(f"data '{source}' does not exist")
    if not source.is_dir():
        return Layout({"train": (source,)}) if variant == "main" else _no_variant(source, variant)
    named = read_card(source, variant)
    if isinstance(named, Path):
        return _by_names(named, data_files(named))
    if named is not None:
        return _noted({split: _parts(source, paths, f"{split} ") for split, paths in named.items()})
    for folder in (source / variant, source / "data" / variant):
        if folder.is_dir():
            return _by_names(folder, data_files(folder))
    files_there = data_files(source)
    if not files_there or any((source / name).is_dir() for name in VARIANTS):
        found = [path.name for path in source.iterdir() if path.is_dir() and not path.name.startswith(".")]
        raise unknown_name(f"variant in data folder '{source}'", variant, found)
    own = [path for path in files_there if ("socratic" in words_of(path.name)) == (variant == "socratic")]
    return _by_names(source, own) if own else _no_variant(source, variant)


def data_files(folder: Path) -> list[Path]:
    """Return the files of a folder and its folders that may hold rows, sorted by their paths."""
    found = []
    seen = {folder.resolve()}
    for root, folders, names in os.walk(folder, followlinks=True):
        deep = len(Path(root).relative_to(folder).parts)
        inner = [name for name in folders if deep < _MOST_FOLDERS_DEEP and name[0] not in "._"]
        folders[:] = [name for name in inner if _is_new(Path(root, name), folder.resolve(), seen)]
        found += [
            Path(root, name)
            for name in names
            if not name.startswith(_NO_DATA_PREFIXES) and name not in _NO_DATA
        ]
    return sorted(path for path in found if path.is_file() and file_kind(path) is not None)


def _is_new(folder: Path, source: Path, seen: set[Path]) -> bool:
    """Tell whether a folder is to be looked through: a link is followed once, and not back into `source`."""
    target = folder.resolve()
    if target in seen or (
        folder.is_symlink() and (target.is_relative_to(source) or source.is_relative_to(target))
    ):
        return False
    seen.add(target)
    return True


def find_code_files(source: Path) -> tuple[Path, ...]:
    """Return the files of a code data set: a file, or a folder with one file (or its parts), under any name.

    Raises:
        UserError: there is no such file, or several.
    """
    if source.is_file():
        return (source,)
    if not source.is_dir():
        raise UserError(f"code data '{source}' does not exist")
    return _parts(source, data_files(source), "", what="code data folder")


def _no_variant(source: Path, variant: str) -> Layout:
    if variant == "main":
        raise UserError(
            f"data '{source}' has the files of the socratic variant alone: --set variant=socratic"
        )
    raise UserError(
        f"data '{source}' has no variant '{variant}': --set variant=main runs the main arms alone"
    )


def _by_names(folder: Path, files: Sequence[Path]) -> Layout:
    """Return the splits that the files' names say; where none says one, the files are the train split."""
    named: dict[str, list[Path]] = {}
    for path in files:
        splits = splits_of(path.relative_to(folder))
        if len(splits) > 1:
            raise UserError(f"data file '{path}' is named after two splits, {' and '.join(sorted(splits))}")
        named.setdefault(splits.pop() if splits else "", []).append(path)
    rest = named.pop("", [])
    if not named:
        return _noted({"train": _parts(folder, rest, "train ")})
    found = {split: _parts(folder, named.get(split, []), f"{split} ", files) for split in {"train", *named}}
    return _noted(found, f"left alone in the data folder: {_show_files(rest)}" if rest else None)


def _noted(files: Mapping[str, tuple[Path, ...]], note: str | None = None) -> Layout:
    """Return the layout, and say where a split's parts have gaps, as where Spark leaves out empty ones."""
    gaps = [f"the {split} files {gap}" for split, paths in files.items() if (gap := describe_gap(paths))]
    return Layout(files, "; ".join([*([note] if note else []), *gaps]) or None)


def _parts(
    folder: Path,
    files: Sequence[Path],
    split: str,
    others: Sequence[Path] = (),
    what: str = "data folder",
) -> tuple[Path, ...]:
    """Return `files`, which must be one or the parts of one."""
    inner = [path.relative_to(folder) for path in files]
    if not files or not are_parts(inner):
        raise UserError(
            f"{what} '{folder}' needs one {split}file, or the numbered parts of one, "
            f"found {_show_files(files or others)}; valid: {describe_kinds()}"
        )
    if fault := describe_fault(inner):
        raise UserError(f"{what} '{folder}' {fault}")
    return tuple(files)


def _show_files(files: Sequence[Path]) -> str:
    """Return the names of files, the first few of them."""
    names = [path.name for path in files]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) or "none") + more
