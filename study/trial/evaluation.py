"""Scoring a model on a split: likelihood of the targets under teacher forcing, and greedy answers.

Both run in batches of rows of similar length, and return their results in the order of the rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import torch

from study.models.decoding import batch_matters, decode_greedily
from study.models.families import family_of
from study.models.shape import shape_of
from study.trial.batches import (
    GENERATION_ROWS,
    LIKELIHOOD_ROWS,
    by_length,
    generation_bytes,
    likelihood_bytes,
    run_in_batches,
)
from study.trial.tokenised import Examples

# Rows of which the lengths are taken at once.
_COUNTED_AT_ONCE = 10_000


@dataclass(frozen=True)
class Likelihood:
    """Teacher-forced likelihood of each row's target.

    Attributes:
        nll: summed negative log likelihood of the target's tokens, in nats, a row.
        tokens: tokens of the target, end of sequence included, a row.
    """

    nll: list[float]
    tokens: list[int]

    @property
    def nll_per_token(self) -> float:
        """Mean negative log likelihood per target token over the whole split, in nats."""
        return sum(self.nll) / sum(self.tokens)


@dataclass(frozen=True)
class Answers:
    """Greedy answers.

    Attributes:
        texts: the decoded output of each row.
        tokens: tokens generated for each row, end of sequence included.
        seconds: wall time.
    """

    texts: list[str]
    tokens: list[int]
    seconds: float


def autocast(precision: str, device: str) -> AbstractContextManager[Any]:
    """Return the context in which a forward pass runs: bf16 autocast, or nothing for fp32."""
    return torch.autocast(device, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


@torch.no_grad()
def score_targets(model: Any, examples: Examples, pad: int, precision: str, parts: int = 1) -> Likelihood:
    """Return the likelihood of every target. The model is left in the mode (train or eval) it came in.

    Args:
        parts: by which what a batch may take up of memory is divided.
    """
    family, shape = family_of(model.config), shape_of(model.config)
    nll, tokens = [0.0] * len(examples), [0] * len(examples)
    sources, targets = lengths_of(examples.rows, "input_ids"), lengths_of(examples.rows, "labels")
    sizes = [likelihood_bytes(shape, *lengths) for lengths in zip(sources, targets, strict=True)]

    def run(rows: Sequence[int]) -> None:
        batch = examples.rows[rows]
        with autocast(precision, model.device.type):
            logits, labels = family.target_logits(model, batch["input_ids"], batch["labels"], pad)
        losses = torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="none"
        ).view(labels.shape)
        for i, row_nll, row_tokens in zip(rows, losses.sum(1), (labels != -100).sum(1), strict=True):
            nll[i], tokens[i] = float(row_nll), int(row_tokens)

    training = model.training
    model.eval()
    try:
        run_in_batches(by_length(targets), sizes, run, most=LIKELIHOOD_ROWS, parts=parts)
    finally:
        model.train(training)
    return Likelihood(nll, tokens)


@torch.no_grad()
def generate_answers(
    model: Any, tokenizer: Any, examples: Examples, precision: str, limit: int, parts: int = 1
) -> Answers:
    """Return greedy answers of at most `limit` tokens each, none of which depends on its batch.

    Args:
        parts: by which what a batch may take up of memory is divided.
    """
    decode_greedily(model, tokenizer, examples.template)
    family, shape = family_of(model.config), shape_of(model.config)
    pad, ends = tokenizer.pad_token_id, model.generation_config.eos_token_id
    texts, tokens = [""] * len(examples), [0] * len(examples)
    lengths = lengths_of(examples.rows, "input_ids")
    sizes = [generation_bytes(shape, length, limit) for length in lengths]

    def run(rows: Sequence[int]) -> None:
        sources = examples.rows[rows]["input_ids"]
        with autocast(precision, model.device.type):
            output = family.generate(model, sources, pad, limit)
        answers = [until_end(ids, ends) for ids in output.tolist()]
        said = [without_end(ids, ends) for ids in answers]
        decoded = tokenizer.batch_decode(said, skip_special_tokens=True)
        for i, text, answer in zip(rows, decoded, answers, strict=True):
            texts[i], tokens[i] = text.strip(), len(answer)

    started = time.perf_counter()
    model.eval()
    most = GENERATION_ROWS
    if len(examples) > 1 and batch_matters(model, examples.rows["input_ids"][:], pad):
        print("this model's answers depend on their batch: it is asked one question at a time", flush=True)
        most = 1
    run_in_batches(by_length(lengths), sizes, run, most=most, parts=parts)
    return Answers(texts, tokens, time.perf_counter() - started)


def until_end(ids: Sequence[int], ends: Sequence[int]) -> list[int]:
    """Return an answer's tokens to the first that ends it, that one included."""
    stop = next((i + 1 for i, token in enumerate(ids) if token in ends), len(ids))
    return [*ids[:stop]]


def without_end(ids: Sequence[int], ends: Sequence[int]) -> Sequence[int]:
    """Return an answer's tokens without the one that ends it, which need not be special to the tokenizer."""
    return ids[:-1] if ids and ids[-1] in ends else ids


def lengths_of(rows: Any, column: str) -> list[int]:
    """Return the lengths of the lists in a column of a data set, which are not made into Python's."""
    batches = rows.select_columns([column]).with_format("arrow").iter(_COUNTED_AT_ONCE)
    return [length for batch in batches for length in pc.list_value_length(batch[column]).to_pylist()]
