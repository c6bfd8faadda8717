"""Scoring a model on a split: likelihood of the targets under teacher forcing, and greedy answers.

Both run in batches of rows of similar length, and return their results in the order of the rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from study.families import family_of
from study.tokenised import Examples

# Large: a decoding step of a small model has a cost that does not depend on its rows.
GENERATION_BATCH = 200
LIKELIHOOD_BATCH = 32


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
def score_targets(model: Any, examples: Examples, pad: int, precision: str) -> Likelihood:
    """Return the likelihood of every target. The model is left in the mode (train or eval) it came in."""
    family = family_of(model.config)
    nll, tokens = [0.0] * len(examples), [0] * len(examples)
    training = model.training
    model.eval()
    for rows in _by_length(examples.rows["labels"], LIKELIHOOD_BATCH):
        batch = examples.rows[rows]
        with autocast(precision, model.device.type):
            logits, labels = family.target_logits(model, batch["input_ids"], batch["labels"], pad)
        losses = torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="none"
        ).view(labels.shape)
        for i, row_nll, row_tokens in zip(rows, losses.sum(1), (labels != -100).sum(1), strict=True):
            nll[i], tokens[i] = float(row_nll), int(row_tokens)
    model.train(training)
    return Likelihood(nll, tokens)


@torch.no_grad()
def generate_answers(model: Any, tokenizer: Any, examples: Examples, precision: str, limit: int) -> Answers:
    """Return greedy answers of at most `limit` tokens each."""
    family = family_of(model.config)
    texts, tokens = [""] * len(examples), [0] * len(examples)
    started = time.perf_counter()
    model.eval()
    for rows in _by_length(examples.rows["input_ids"], GENERATION_BATCH):
        sources = examples.rows[rows]["input_ids"]
        with autocast(precision, model.device.type):
            output = family.generate(model, sources, tokenizer.pad_token_id, limit)
        decoded = tokenizer.batch_decode(output, skip_special_tokens=True)
        for i, text, ids in zip(rows, decoded, output.tolist(), strict=True):
            texts[i] = text.strip()
            tokens[i] = ids.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in ids else len(ids)
    return Answers(texts, tokens, time.perf_counter() - started)


def _by_length(sequences: Sequence[Sequence[int]], batch: int) -> Iterator[list[int]]:
    order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]), i))
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
