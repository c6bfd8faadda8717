"""Pre-training examples to padded batches, the same ones whenever a step is drawn again.

    batches = draw_steps(Tokens(MODEL_DIR), recipe, rank=0, start=0)

Drills and texts go into batches of their own, and texts of like lengths together: padding costs as much as
text.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from transformers import AutoTokenizer

from study.embedded.mixture import DRILLS_FIRST, MIXTURES, draw_example
from study.embedded.tasks import Example

IGNORED = -100
POOL_STEPS = 16
PADDED_TO = 8


@dataclass(frozen=True)
class Recipe:
    """Everything that the weights depend on, beside the data."""

    steps: int  # what the learning rate is planned for
    seed: int = 0
    stop_at: int | None = None  # end after this step, before the plan's end
    processes: int = 2
    drill_steps: int = 1600  # of the mixture DRILLS_FIRST; a multiple of POOL_STEPS
    examples_first: int = 72  # a step and process; 60 of them are drills of a dozen tokens
    examples_then: int = 56  # of THEN_TEXTS; 34 of them are drills
    learning_rate: float = 1.5e-3
    embedding_factor: float = 8.0  # tied embeddings start at standard deviation 1: they need larger steps
    last_mixture: str = "then_texts"  # after drill_steps; a name of mixture.MIXTURES
    warmup_steps: int = 150
    decay_share: float = 0.4
    largest_gradient: float = 1.0


@dataclass(frozen=True)
class Batch:
    """Padded token ids; labels are IGNORED where there is no loss."""

    source: torch.Tensor
    mask: torch.Tensor
    inputs: torch.Tensor
    labels: torch.Tensor

    @property
    def tokens(self) -> int:
        """Source and target tokens, padding left out."""
        return int(self.mask.sum()) + int((self.labels != IGNORED).sum())


@dataclass(frozen=True)
class Encoded:
    """An example in token ids: the source, the target shifted right, and the labels."""

    source: list[int]
    inputs: list[int]
    labels: list[int]


class Tokens:
    """Examples to token ids; a piece at a time, so that the loss can be switched off for some."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self._ids = lru_cache(maxsize=50_000)(self._encode_piece)  # drills repeat their pieces

    def __len__(self) -> int:
        return len(self._tokenizer)

    def _encode_piece(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))

    def encode(self, example: Example) -> Encoded:
        """Encode an example."""
        source = [*self._ids(example.source), 1]
        target: list[int] = []
        labels: list[int] = []
        for text, has_loss in example.pieces:
            ids = self._ids(text)
            target += ids
            labels += ids if has_loss else [IGNORED] * len(ids)
        return Encoded(source, [0, *target], [*labels, 1])


def _padded(rows: list[list[int]], filler: int) -> torch.Tensor:
    longest = max(map(len, rows))
    step = 2 if longest <= 2 * PADDED_TO else PADDED_TO
    width = math.ceil(longest / step) * step
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])


def _batch(rows: list[Encoded]) -> Batch:
    source = _padded([row.source for row in rows], 0)
    return Batch(
        source=source,
        mask=(source != 0).long(),
        inputs=_padded([row.inputs for row in rows], 0),
        labels=_padded([row.labels for row in rows], IGNORED),
    )


def draw_steps(tokens: Tokens, recipe: Recipe, rank: int, start: int) -> Iterator[list[tuple[str, Batch]]]:
    """The batches of each step from `start` on: one of drills, one of texts of like lengths.

    Lengths are matched within a pool of several steps, for padding costs as much as text. A pool depends on
    the seed, the process and its number alone, so a resumed run reads what an unbroken one would have read.
    """
    for pool in itertools.count(start // POOL_STEPS):
        rng = random.Random(f"{recipe.seed}-pretrain-{rank}-{pool}")
        first = pool * POOL_STEPS < recipe.drill_steps
        mixture = DRILLS_FIRST if first else MIXTURES[recipe.last_mixture]
        count = recipe.examples_first if first else recipe.examples_then
        drawn = [draw_example(rng, mixture) for _ in range(POOL_STEPS * count)]
        drills = [tokens.encode(example) for example in drawn if example.task == "calc"]
        texts = [tokens.encode(example) for example in drawn if example.task != "calc"]
        text_batches = _sorted_batches(texts, POOL_STEPS)
        drill_batches = _sorted_batches(drills, POOL_STEPS)
        rng.shuffle(text_batches)
        rng.shuffle(drill_batches)
        for index in range(POOL_STEPS):
            yield [("drill", drill_batches[index]), ("text", text_batches[index])]


def _sorted_batches(rows: list[Encoded], count: int) -> list[Batch]:
    """Split into `count` batches: rows sorted by target length, then, in four groups, by source length."""
    rows = sorted(rows, key=lambda row: len(row.labels))
    group = math.ceil(len(rows) / 4)
    ordered: list[Encoded] = []
    for start in range(0, len(rows), group):
        ordered += sorted(rows[start : start + group], key=lambda row: len(row.source))
    edges = [round(index * len(ordered) / count) for index in range(count + 1)]
    return [_batch(ordered[low:high]) for low, high in itertools.pairwise(edges)]
