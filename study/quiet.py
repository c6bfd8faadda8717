"""Keeping the libraries' progress bars and known harmless warnings out of the terminal and the logs."""

from __future__ import annotations

import warnings


def quiet_libraries() -> None:
    """Switch off progress bars, and the deprecation warnings that the libraries raise in each other."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    # peft reads an attribute that transformers has renamed.
    warnings.filterwarnings(
        "ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning
    )
