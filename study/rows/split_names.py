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
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Numbers that tell files apart, and not the parts of one: a version (v2, v1.1), a size (10k).
_VERSION = r"(?<![a-z])(?:v|ver|version|rev)[-_.]?\d+(?:\.\d+)*|(?<![a-z0-9])\d+(?:\.\d+)?[km](?![a-z0-9])"
_NUMBERS = re.compile(rf"{_UUID}|(?P<version>{_VERSION})|\d+")
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
    kind and fill a folder that is named as a split. Versions of a file, and sizes, are no parts.
    """
    paths = [*paths]
    patterns = {_pattern(path, "0") for path in paths}
    if len({_pattern(path, r"\g<version>") for path in paths}) > len(patterns):
        return False
    folders = {(path.parent, path.suffix.lower()) for path in paths}
    return len(patterns) == 1 or (len(folders) == 1 and bool(splits_of(PurePath(paths[0].parent.name))))


def _pattern(path: PurePath, version: str) -> str:
    """Return a path without its numbers; `version` stands for what is a version or a size."""
    text = _PARTITION.sub(r"\1=", path.as_posix().lower())
    return _NUMBERS.sub(lambda found: found.expand(version) if found["version"] else "0", text)


def describe_gap(paths: Iterable[PurePath]) -> str | None:
    """Return what is to be said of files whose one number that differs leaves numbers out, or None."""
    runs = [re.findall(r"\d+", re.sub(_UUID, "", path.name.lower())) for path in paths]
    if len(runs) < 2 or len({*map(len, runs)}) > 1:
        return None
    differing = [column for column in zip(*runs, strict=True) if len({*column}) > 1]
    if len(differing) != 1:
        return None
    numbers = {int(number) for number in differing[0]}
    left_out = max(numbers) - min(numbers) + 1 - len(numbers)
    return f"are {min(numbers)} to {max(numbers)} without {left_out:,} of the numbers" if left_out else None


def describe_fault(paths: Iterable[PurePath]) -> str | None:
    """Return what is wrong with files that number themselves (`-00000-of-00002`), or None."""
    found: dict[tuple[PurePath, str, int], set[int]] = {}
    for path in paths:
        if numbered := _OF.search(path.name):
            key = (path.parent, path.name[: numbered.start()], int(numbered[2]))
            found.setdefault(key, set()).add(int(numbered[1]))
    totals: dict[tuple[PurePath, str], list[int]] = {}
    for folder, name, parts in found:
        totals.setdefault((folder, name), []).append(parts)
    for (_, name), several in totals.items():
        if len(several) > 1:
            sets = " and of ".join(map(str, sorted(several)))
            return f"has several sets of parts of '{name}', of {sets}; valid: one of them"
    for (_, name, parts), there in found.items():
        if len(there) < parts:
            are = "is" if len(there) == 1 else "are"
            return f"is not whole: {len(there)} of the {parts} parts of '{name}' {are} there"
    return None
