"""What one training step holds in memory, counted on a model without weights, whatever its type.

The step, forward and backward, runs where tensors have a shape and no memory (torch's meta device), and
every tensor is counted as it comes and goes: what is kept for the backward pass, attention's squares, the
logits and their gradients, the gradients of what trains. That takes as long as torch needs to call its
operations, a few tenths of a second. Mixtures of experts can't run so: who gets a token is not known.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Blocks of this size and more are given back to the system at once by glibc (M_MMAP_THRESHOLD_MAX). Smaller
# ones leave holes between those that stay; about a third of such memory was not used again, in trainings of
# T5 and Llama by LoRA and in full (glibc 2.36; benchmarks/memory.py).
_GIVEN_BACK_BYTES = 32 << 20
_HOLES = 1 / 3


@dataclass(frozen=True)
class StepBytes:
    """What a step takes up beside the weights and the optimizer's state, in bytes.

    Attributes:
        peak: the most that is there at once, gradients included.
        holes: what the allocator of the host's memory holds beside it, in pieces that are of no use.
    """

    peak: float
    holes: float


@lru_cache(maxsize=32)  # arms that differ in their data alone share a model
def trace_step(model: Any, rows: int, source: int, target: int) -> StepBytes | None:
    """Return what a step of so many rows and tokens takes up, or None where the model can't run so.

    Args:
        model: on the meta device, with what trains marked so.
        source, target: tokens of each row, padded.
    """
    counter = _Counter([*model.parameters(), *model.buffers()])
    try:
        with counter:
            loss = model(**_batch(model, rows, source, target)).loss
            passed = counter.passed - counter.small
            loss.backward()
    except (RuntimeError, NotImplementedError):
        return None
    finally:
        model.zero_grad(set_to_none=True)
    return StepBytes(counter.peak, _HOLES * passed)


def _batch(model: Any, rows: int, source: int, target: int) -> Mapping[str, torch.Tensor]:
    def ids(tokens: int) -> torch.Tensor:
        return torch.zeros(rows, tokens, dtype=torch.long, device="meta")

    if model.config.is_encoder_decoder:
        return {"input_ids": ids(source), "decoder_input_ids": ids(target), "labels": ids(target)}
    return {"input_ids": ids(source + target), "labels": ids(source + target)}


class _Counter(TorchDispatchMode):
    """Counts the bytes of all tensors but those that were there before.

    Attributes:
        live, peak: of those that are there now, and the most at once.
        small, passed: of those that are not given back to the system: there now, and all so far.
    """

    def __init__(self, there: list[torch.Tensor]) -> None:
        super().__init__()
        self.live = self.peak = self.small = self.passed = 0
        self._known = {_key(tensor) for tensor in there}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten._local_scalar_dense.default:
            return 1  # no value is known; what is asked is whether a mask lets all through
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and _key(tensor) not in self._known:
                self._take(tensor.untyped_storage())
        return made

    def _take(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        small = size if size < _GIVEN_BACK_BYTES else 0
        self._known.add(key)
        self.live += size
        self.small += small
        self.passed += small
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._let_go, key, size, small)

    def _let_go(self, key: int, size: int, small: int) -> None:
        self._known.discard(key)
        self.live -= size
        self.small -= small


def _key(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
