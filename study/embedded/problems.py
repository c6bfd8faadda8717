"""Draw word problems from the families and write the data set in GSM8K's layout.

    python -m study.embedded.problems               # study/embedded/data, about 5 s
    python -m study.embedded.problems --to DIR --seed 0

Writes main/ and socratic/ (train 2,000 rows, test 600, the same problems row for row) and code/train.jsonl.

Every problem belongs to one of three buckets, by a hash of its family and its sorted numbers: what the
pre-training sees, what fine-tuning trains on, and what it is tested on never share a number tuple.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.embedded import DATA_DIR
from study.embedded.code_tasks import write_code_tasks
from study.embedded.families import PLACEHOLDER, Family, Lexicon, load_families

TRAIN_ROWS = 2000
TEST_ROWS = 600
TEST_PERCENT = 12  # of the number tuples of a family
TRAIN_PERCENT = 24
DISTRACTOR_SHARE = 1 / 3
WORD_SHARE = 0.3  # of the numbers that could be written as a word
NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


@dataclass(frozen=True)
class SolvedStep:
    """One step of a drawn problem; `say` still has `{}` where the calculation goes."""

    ask: str
    say: str
    written: str
    value: int


@dataclass(frozen=True)
class Problem:
    """A drawn problem: its text, its steps and the key that decides its bucket."""

    family: str
    numbers: tuple[int, ...]
    question: str
    steps: tuple[SolvedStep, ...]

    @property
    def bucket(self) -> str:
        """`pretrain`, `train` or `test`."""
        return bucket_of(self.family, self.numbers)

    def answer(self, *, socratic: bool) -> str:
        """The worked solution in GSM8K's format, with calculator annotations."""
        lines = []
        for step in self.steps:
            calculation = f"{step.written}=<<{step.written}={step.value}>>{step.value}"
            sentence = step.say.replace("{}", calculation)
            lines.append(f"{step.ask} ** {sentence}" if socratic else sentence)
        return "\n".join([*lines, f"#### {self.steps[-1].value}"])


def bucket_of(family: str, numbers: Iterable[int]) -> str:
    """The bucket of a family's number tuple; the order of the numbers does not matter."""
    key = f"{family}|{sorted(numbers)}".encode()
    place = int.from_bytes(hashlib.sha256(key).digest()[:4], "big") % 100
    if place < TEST_PERCENT:
        return "test"
    return "train" if place < TEST_PERCENT + TRAIN_PERCENT else "pretrain"


def draw_problem(rng: random.Random, bucket: str, family: Family | None = None) -> Problem:
    """Draw a problem of the bucket (and family); pre-training never gets a withheld family."""
    families, lexicon = load_families()
    if family is None:
        family = rng.choice([f for f in families if f.in_pretraining or bucket != "pretrain"])
    if bucket == "pretrain" and not family.in_pretraining:
        raise ValueError(f"family {family.name} is withheld from the pre-training")
    while True:
        values = {name: rng.choice(choices) for name, choices in family.numbers.items()}
        if bucket_of(family.name, values.values()) == bucket and family.accepts(values):
            return _write_problem(rng, family, lexicon, values)


def _write_problem(rng: random.Random, family: Family, lexicon: Lexicon, values: dict[str, int]) -> Problem:
    words = _draw_words(rng, lexicon)
    wording = rng.choice(family.wordings)
    if rng.random() < DISTRACTOR_SHARE:
        wording = _with_distractor(rng, wording, rng.choice(lexicon.distractors))
    numbers = {**values, "distractor": rng.randint(2, 60)}
    steps = tuple(
        SolvedStep(_fill(step.ask, words), _fill(step.say, words), written, value)
        for step, (written, value) in zip(family.steps, family.calculate(values), strict=True)
    )
    question = _fill(_fill_numbers(rng, wording, numbers), words)
    return Problem(family.name, tuple(sorted(values.values())), question, steps)


def _draw_words(rng: random.Random, lexicon: Lexicon) -> dict[str, str]:
    name, other, third = rng.sample(lexicon.names, 3)
    things, extras = rng.sample(lexicon.things, 2)
    place = rng.choice(lexicon.places)
    return {"name": name, "other": other, "third": third, "things": things, "extras": extras, "place": place}


def _with_distractor(rng: random.Random, wording: str, distractor: str) -> str:
    """Put a sentence with a number that is not needed anywhere before the last sentence."""
    sentences = re.split(r"(?<=[.?]) ", wording)
    # {d} may be one of the family's own numbers: the distractor's gets a name of its own.
    sentences.insert(rng.randrange(len(sentences)), distractor.replace("{d}", "{distractor}"))
    return " ".join(sentences)


def _fill_numbers(rng: random.Random, wording: str, numbers: dict[str, int]) -> str:
    def write(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in numbers:
            return match.group()
        value = numbers[name]
        before, after = wording[: match.start()][-1:], wording[match.end() :][:1]
        plain = before not in ("$", "#") and after != "%"
        if plain and value < len(NUMBER_WORDS) and rng.random() < WORD_SHARE:
            return NUMBER_WORDS[value]
        return str(value)

    return PLACEHOLDER.sub(write, wording)


def _fill(text: str, words: dict[str, str]) -> str:
    filled = PLACEHOLDER.sub(lambda match: words.get(match.group(1), match.group()), text)
    return re.sub(r"(^|[.?] )([a-z])", lambda match: match.group(1) + match.group(2).upper(), filled)


def draw_split(bucket: str, rows: int, seed: int) -> list[Problem]:
    """Distinct problems of a bucket, the families in equal shares, in a shuffled order."""
    rng = random.Random(f"{seed}-{bucket}")
    families, _ = load_families()
    problems: dict[str, Problem] = {}
    while len(problems) < rows:
        problem = draw_problem(rng, bucket, families[len(problems) % len(families)])
        problems.setdefault(problem.question, problem)
    drawn = list(problems.values())
    rng.shuffle(drawn)
    return drawn


def write_data(folder: Path, seed: int) -> None:
    """Write every file of the data set below the folder."""
    for split, rows in (("train", TRAIN_ROWS), ("test", TEST_ROWS)):
        problems = draw_split(split, rows, seed)
        for variant in ("main", "socratic"):
            lines = (
                {"question": p.question, "answer": p.answer(socratic=variant == "socratic")} for p in problems
            )
            write_jsonl(folder / variant / f"{split}.jsonl", lines)
    write_jsonl(folder / "code" / "train.jsonl", write_code_tasks(seed))


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Read the command line and write the data."""
    parser = argparse.ArgumentParser(description="Write the generated word problems.")
    parser.add_argument("--to", type=Path, default=DATA_DIR)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_data(options.to, options.seed)


if __name__ == "__main__":
    main()
