"""One split of a data set, as most tests of reading want it."""

from pathlib import Path
from typing import Any

from study.data.loading import Split, load_data


def load_split(source: Path, variant: str, split: str, **options: Any) -> Split:
    """The problems of one split ("train" or "test") of one variant; see `load_data`."""
    data = load_data(source, variant, **options)
    return data.test if split == "test" else data.train
