"""What the names of files and folders say: the split, and whether they are the parts of one file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

# As `datasets` has them.
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "devset"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "testset"), "test"),
}
_WORD = re.compile(r"[a-z]+")
_NUMBERS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")
_PARTITION = re.compile(r"(\w+)=[^/]*")
_OF = re.compile(r"-(\d+)-of-(\d+)\b")


def words_of(name: str) -> list[str]:
    """Return the words of a file's name: train, socratic and jsonl of train_socratic.jsonl."""
    return _WORD.findall(name.lower())


def splits_of(path: PurePath) -> set[str]:
    """Return the splits that a path within a data set names: its file's name, else the nearest folder."""
    for part in reversed(path.parts):
        if named := {SPLIT_WORDS[word] for word in words_of(part) if word in SPLIT_WORDS}:
            return named
    return set()


def are_parts(paths: Iterable[PurePath]) -> bool:
    """Tell whether files, by their paths within a data set, are the parts of one.

    Their paths differ in numbers alone (and in the values of partitions: `year=2024/`), or they are of one
    kind and fill a folder that is named as a split.
    """
    paths = [*paths]
    patterns = {_PARTITION.sub(r"\1=", _NUMBERS.sub("0", path.as_posix().lower())) for path in paths}
    folders = {(path.parent, path.suffix.lower()) for path in paths}
    return len(patterns) == 1 or (len(folders) == 1 and bool(splits_of(PurePath(paths[0].parent.name))))


def missing_parts(paths: Iterable[PurePath]) -> str | None:
    """Return what is missing of files that number themselves (`-00000-of-00002`), or None."""
    found: dict[tuple[PurePath, str, int], set[int]] = {}
    for path in paths:
        if numbered := _OF.search(path.name):
            key = (path.parent, path.name[: numbered.start()], int(numbered[2]))
            found.setdefault(key, set()).add(int(numbered[1]))
    for (_, name, parts), there in found.items():
        if len(there) < parts:
            return f"{len(there)} of the {parts} parts of '{name}' are there"
    return None
