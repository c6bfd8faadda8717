"""Keeping the libraries' progress bars and known harmless warnings out of the terminal and the logs."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def quiet_libraries() -> None:
    """Switch off progress bars, and what the libraries say about each other and themselves."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    # It says at every layer that 8-bit products round their inputs to 16 bits.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    # peft reads an attribute that transformers has renamed.
    warnings.filterwarnings(
        "ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning
    )
    # peft prepares adapters for a mixture's experts, which all-linear does not reach.
    warnings.filterwarnings(
        "ignore", message="The following (rank|alpha)_pattern keys did not", category=RuntimeWarning
    )
    # GPT-2's layers are transposed ones: peft says so of each, and sets it right.
    warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False", category=UserWarning)


def quiet_imports() -> None:
    """Switch off what the libraries say and get ready needlessly while they are imported: call it before."""
    # An optional kernel of 4-bit products that would be fetched from the Hub; nothing is missing without it.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    # Nothing here is compiled, but bitsandbytes loads the compiler, a second and 600 modules of it, in case.
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")


@contextmanager
def quiet_report() -> Iterator[None]:
    """Keep transformers' table of missing weights, and its progress, out of the terminal."""
    from transformers.utils import logging as own

    level, bars = own.get_verbosity(), own.is_progress_bar_enabled()
    own.set_verbosity_error()
    own.disable_progress_bar()
    try:
        yield
    finally:
        own.set_verbosity(level)
        if bars:
            own.enable_progress_bar()
