"""Draw sentences about orders and the objects in JSON that they say: data for the task `extraction`.

    python -m study.embedded.orders               # study/embedded/data_extraction, about a second
    python -m study.embedded.orders --to DIR --seed 0

A sentence has a person, a number of things, and in one group a price; `group` is "order" or "price". Other
persons and other numbers stand beside them, in any order: copying what comes first solves few. Who buys how
many of what stands in one split alone, whatever the wording.
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
    """Return the key of an order and its row: who buys how many of what."""
    _, lexicon = load_families()
    name, other = rng.sample(lexicon.names, 2)
    things, extras = rng.sample(lexicon.things, 2)
    n, d = rng.randint(2, LARGEST_NUMBER), rng.randint(2, LARGEST_NUMBER)
    group = rng.choice(sorted(WORDINGS))
    words = {
        "name": name,
        "other": other,
        "things": things,
        "extras": extras,
        "place": rng.choice(lexicon.places),
    }
    answer = {"who": name, "n": n, "item": things, **({"price": d} if group == "price" else {})}
    question = rng.choice(WORDINGS[group]).format(n=n, d=d, **words)
    return f"{name} {n} {things}", {"question": question, "answer": answer, "group": group}


def main() -> None:
    """Read the command line and write the data."""
    parser = argparse.ArgumentParser(description="Write the generated orders.")
    parser.add_argument("--to", type=Path, default=EXTRACTION_DIR)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_splits(options.to, draw_splits(draw_order, ROWS, options.seed))


if __name__ == "__main__":
    main()
