"""Running out of memory: how it is told from other errors, and how memory is given back."""

from __future__ import annotations

import ctypes
import gc
import sys

# What torch and CUDA say where they raise no error of that name.
_WORDS = ("DefaultCPUAllocator", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that the memory of the host or of the device has run out."""
    # torch's errors are told by name and text: whoever raised one has imported torch, this module need not.
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS))


def free_memory() -> None:
    """Give back what nothing refers to any more: a worker takes one trial after another."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    gc.collect()
    torch.cuda.empty_cache()
    # Every trial has a thread of its own, hence another of glibc's arenas, which keep the pages that are
    # freed: without this a worker grew by 40 MB a trial. Other C libraries have no such call.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
