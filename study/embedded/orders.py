"""Draw sentences about orders and the objects in JSON that they say: data for the task `extraction`.

    python -m study.embedded.orders               # study/embedded/data_extraction, about a second
    python -m study.embedded.orders --to DIR --seed 0

A sentence has a number of things, and in one group their price; `group` is "order" or "price". Other numbers
and things stand beside them, in any order: copying what comes first solves few. How many of what for how much
stands in one split alone, whatever the wording. The things are few: in JSON a word begins with a quote, not
with a space, so a small model has to learn how to write each.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from study.embedded import EXTRACTION_DIR
from study.embedded.drawn_splits import Row, draw_splits, write_splits
from study.embedded.families import load_families

ROWS = {"train": 1200, "test": 400}
LARGEST_NUMBER = 60
THINGS = 8  # of the lexicon, the first
WORDINGS = {
    "order": (
        "{name} buys {n} {things}.",
        "{n} {things} are sold to {name} by {other}.",
        "{other} has {d} {extras}, and {name} buys {n} {things}.",
        "{name} has {d} {extras} and buys {n} {things} from {other}.",
        "At the {place}, {name} buys {n} {things}.",
        "It is {d} degrees outside. {other} sells {n} {things} to {name}.",
    ),
    "price": (
        "{name} buys {n} {things} for ${d}.",
        "For ${d}, {name} buys {n} {things} from {other}.",
        "{other} sells {n} {things} to {name} for ${d}.",
        "{name} pays ${d} for {n} {things}.",
        "{n} {things} cost {name} ${d}.",
    ),
}


def draw_order(rng: random.Random) -> tuple[str, Row]:
    """Return the key of an order and its row: how many of what, and in one group for how much."""
    _, lexicon = load_families()
    name, other = rng.sample(lexicon.names, 2)
    things, extras = rng.sample(lexicon.things[:THINGS], 2)
    n, d = rng.randint(2, LARGEST_NUMBER), rng.randint(2, LARGEST_NUMBER)
    group = rng.choice(sorted(WORDINGS))
    words = {
        "name": name,
        "other": other,
        "things": things,
        "extras": extras,
        "place": rng.choice(lexicon.places),
    }
    answer = {"item": things, "n": n, **({"price": d} if group == "price" else {})}
    question = rng.choice(WORDINGS[group]).format(n=n, d=d, **words)
    return f"{things} {n} {d}", {"question": question, "answer": answer, "group": group}


def main() -> None:
    """Read the command line and write the data."""
    parser = argparse.ArgumentParser(description="Write the generated orders.")
    parser.add_argument("--to", type=Path, default=EXTRACTION_DIR)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_splits(options.to, draw_splits(draw_order, ROWS, options.seed))


if __name__ == "__main__":
    main()
