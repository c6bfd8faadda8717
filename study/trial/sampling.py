"""The order in which a training sees its questions: rows of similar length share a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from study.config import digest


class GroupedByLength(Sampler[int]):
    """Orders rows as transformers' sampler of that kind does, but by the seed and the epoch alone.

    The order of transformers' own hangs on all random numbers drawn before: a training that is resumed after
    its first epoch would see other batches.

    Args:
        lengths: tokens of each row's input.
        batch_size: rows of a batch.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self._lengths, self._batch_size, self._seed = lengths, batch_size, seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose order is asked for next; the trainer calls it."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(int(digest([self._seed, self._epoch], 15), 16))
        return iter(get_length_grouped_indices(self._lengths, self._batch_size, generator=generator))
