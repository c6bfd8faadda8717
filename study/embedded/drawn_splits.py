"""Rows drawn until train and test are full: what a row is of, by its key, is in one of them alone."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from study.embedded.problems import write_jsonl

TEST_PERCENT = 25

Row = Mapping[str, Any]


def split_of(key: str) -> str:
    """Return the split that rows of this key belong to."""
    percent = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 100
    return "test" if percent < TEST_PERCENT else "train"


def draw_splits(
    draw: Callable[[random.Random], tuple[str, Row]], rows: Mapping[str, int], seed: int
) -> dict[str, list[Row]]:
    """Return so many distinct rows of each split.

    Args:
        draw: returns a row's key and the row. Its keys must be many: it is called until there are enough.
    """
    rng = random.Random(seed)
    splits: dict[str, dict[str, Row]] = {split: {} for split in rows}
    while any(len(splits[split]) < count for split, count in rows.items()):
        key, row = draw(rng)
        drawn = splits[split_of(key)]
        if len(drawn) < rows[split_of(key)]:
            drawn.setdefault(key, row)
    return {split: list(drawn.values()) for split, drawn in splits.items()}


def write_splits(folder: Path, splits: Mapping[str, list[Row]]) -> None:
    """Write a file of each split to the folder."""
    for split, rows in splits.items():
        write_jsonl(folder / f"{split}.jsonl", rows)
