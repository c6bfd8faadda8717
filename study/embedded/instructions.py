"""Draw small chats about words and numbers, as `messages`.

    python -m study.embedded.instructions               # study/embedded/data_instructions, about a second
    python -m study.embedded.instructions --to DIR --seed 0

Half of the chats have two turns, the second of which asks more of the first. What a chat is about, its words
or numbers in their order, stands in one split alone.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from study.embedded import INSTRUCTIONS_DIR
from study.embedded.drawn_splits import Row, draw_splits, write_splits
from study.embedded.families import load_families

ROWS = {"train": 900, "test": 300}
ITEMS = 3
LARGEST_NUMBER = 99
SHARE_OF_TWO_TURNS = 0.5
SHARE_OF_WORDS = 0.3
WORDS = 12  # of the lexicon, the first


def first(items: Sequence[str]) -> str:
    """Return the first item."""
    return items[0]


def last(items: Sequence[str]) -> str:
    """Return the last item."""
    return items[-1]


def capitals(items: Sequence[str]) -> str:
    """Return the first item in capitals."""
    return items[0].upper()


def largest(items: Sequence[str]) -> str:
    """Return the largest number."""
    return max(items, key=int)


def smallest(items: Sequence[str]) -> str:
    """Return the smallest number."""
    return min(items, key=int)


Tasks = Mapping[str, Callable[[Sequence[str]], str]]

ABOUT_WORDS: Tasks = {"First": first, "Last": last, "First in capitals": capitals}
ABOUT_NUMBERS: Tasks = {"First": first, "Last": last, "Largest": largest, "Smallest": smallest}


def draw_chat(rng: random.Random) -> tuple[str, Row]:
    """Return the key of a chat, which is its items, and the chat."""
    items, tasks = _draw_items(rng)
    asked, more = rng.sample(sorted(tasks), 2)
    listed = " ".join(items)
    turns = [_said("user", f"{asked}: {listed}"), _said("assistant", tasks[asked](items))]
    if rng.random() < SHARE_OF_TWO_TURNS:
        turns += [_said("user", f"{more}?"), _said("assistant", tasks[more](items))]
    return listed, {"messages": turns}


def _draw_items(rng: random.Random) -> tuple[list[str], Tasks]:
    if rng.random() < SHARE_OF_WORDS:
        return rng.sample(load_families()[1].things[:WORDS], ITEMS), ABOUT_WORDS
    return [str(number) for number in rng.sample(range(1, LARGEST_NUMBER + 1), ITEMS)], ABOUT_NUMBERS


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def main() -> None:
    """Read the command line and write the data."""
    parser = argparse.ArgumentParser(description="Write the generated chats.")
    parser.add_argument("--to", type=Path, default=INSTRUCTIONS_DIR)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_splits(options.to, draw_splits(draw_chat, ROWS, options.seed))


if __name__ == "__main__":
    main()
