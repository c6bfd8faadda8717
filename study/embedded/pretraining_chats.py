"""Chats that the chat model is pre-trained on: other instructions than those of `instructions.py`.

A chat is about a list of two to five words or numbers, and has one or two turns: the second asks more
of the same list, or brings a list of its own. No list is of the test split of `data_instructions`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from study.embedded.drawn_splits import split_of
from study.embedded.families import load_families
from study.embedded.instructions import LARGEST_NUMBER, Tasks

Turn = tuple[str, str]  # who speaks, and what is said
LENGTHS = (2, 3, 3, 4, 5)
SHARE_OF_TWO_TURNS = 0.5
SHARE_OF_ONE_LIST = 0.7
SHARE_OF_SYSTEMS = 0.1
SYSTEMS = ("Answer briefly.", "You are a helpful assistant.", "Give the answer alone.", "Do as you are told.")


def repeat(items: Sequence[str]) -> str:
    """Return the items as they are."""
    return " ".join(items)


def second(items: Sequence[str]) -> str:
    """Return the second item."""
    return items[1]


def count(items: Sequence[str]) -> str:
    """Return how many items there are."""
    return str(len(items))


def rest(items: Sequence[str]) -> str:
    """Return all items but the first."""
    return " ".join(items[1:])


def rotate(items: Sequence[str]) -> str:
    """Return the items with the first moved to the end."""
    return " ".join([*items[1:], items[0]])


def all_capitals(items: Sequence[str]) -> str:
    """Return the items in capitals."""
    return " ".join(items).upper()


def lower_case(items: Sequence[str]) -> str:
    """Return the items in small letters."""
    return " ".join(items).lower()


def compare(items: Sequence[str]) -> str:
    """Return how the first two numbers compare."""
    a, b = items[:2]
    return f"{a} {'>' if int(a) > int(b) else '<'} {b}"


def continue_run(items: Sequence[str]) -> str:
    """Return the next two numbers of a run."""
    return f"{int(items[-1]) + 1} {int(items[-1]) + 2}"


ABOUT_ALL: Tasks = {
    "Repeat": repeat,
    "Second": second,
    "Count": count,
    "Rest": rest,
    "Rotate": rotate,
}
ABOUT_WORDS: Tasks = {**ABOUT_ALL, "All in capitals": all_capitals}
ABOUT_CAPITALS: Tasks = {"Lower case": lower_case, "Second": second, "Repeat": repeat}
ABOUT_NUMBERS: Tasks = {**ABOUT_ALL, "Compare": compare}
ABOUT_RUNS: Tasks = {"Continue": continue_run, "Count": count, "Repeat": repeat}


def _words(rng: random.Random, length: int) -> list[str]:
    return rng.sample(load_families()[1].things, length)


def _capitals(rng: random.Random, length: int) -> list[str]:
    return [word.upper() for word in _words(rng, length)]


def _numbers(rng: random.Random, length: int) -> list[str]:
    return [str(number) for number in rng.sample(range(1, LARGEST_NUMBER + 1), length)]


def _run(rng: random.Random, length: int) -> list[str]:
    start = rng.randint(1, LARGEST_NUMBER - length)
    return [str(start + place) for place in range(length)]


@dataclass(frozen=True)
class Kind:
    """A kind of lists: how one is drawn, what may be asked of it, and how often it comes."""

    draw: Callable[[random.Random, int], list[str]]
    tasks: Tasks
    weight: int


KINDS = (
    Kind(_words, ABOUT_WORDS, 4),
    Kind(_capitals, ABOUT_CAPITALS, 2),
    Kind(_numbers, ABOUT_NUMBERS, 5),
    Kind(_run, ABOUT_RUNS, 1),
)


def draw_turns(rng: random.Random) -> list[Turn]:
    """Return a chat's turns: at times a system's text, then a user's and an assistant's, once or twice."""
    turns = [("system", rng.choice(SYSTEMS))] if rng.random() < SHARE_OF_SYSTEMS else []
    items, kind = draw_list(rng)
    turns += _exchange(rng, items, kind, is_new=True)
    if rng.random() < SHARE_OF_TWO_TURNS:
        is_new = rng.random() > SHARE_OF_ONE_LIST
        if is_new:
            items, kind = draw_list(rng)
        turns += _exchange(rng, items, kind, is_new=is_new)
    return turns


def draw_copy(rng: random.Random) -> list[Turn]:
    """Return a chat that asks for a list again: to copy is what the other tasks begin with."""
    items, _ = draw_list(rng)
    return [("user", f"Repeat: {repeat(items)}"), ("assistant", repeat(items))]


def draw_list(rng: random.Random) -> tuple[list[str], Kind]:
    """Return a list, of no chat of the test split, and its kind."""
    while True:
        (kind,) = rng.choices(KINDS, [kind.weight for kind in KINDS])
        items = kind.draw(rng, rng.choice(LENGTHS))
        if split_of(" ".join(items)) != "test":
            return items, kind


def _exchange(rng: random.Random, items: Sequence[str], kind: Kind, *, is_new: bool) -> list[Turn]:
    if rng.random() < 1 / (len(kind.tasks) + 1):
        sought = rng.choice([*items, *kind.draw(rng, len(items))])
        asked, answer, end = f"Is {sought} in", "yes" if sought in items else "no", " it?"
    else:
        asked = rng.choice(sorted(kind.tasks))
        answer, end = kind.tasks[asked](items), "?"
    question = f"{asked}: {' '.join(items)}" if is_new else f"{asked}{end}"
    return [("user", question), ("assistant", answer)]
