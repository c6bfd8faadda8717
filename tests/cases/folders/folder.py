"""What a case of a results folder is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Change = Callable[[Path], Any]


@dataclass(frozen=True)
class Folder:
    """A study's folder with something changed.

    Attributes:
        change: what is done to it.
        says: what the analysis must say: in its one line of error, or among its notes; None: nothing.
        refused: whether the analysis refuses the folder.
        resumed: what a resume must say in its one line of error; None: it is not asked.
    """

    name: str
    change: Change
    says: str | None
    refused: bool = False
    resumed: str | None = None


def first_file(root: Path, table: str) -> Path:
    """Return the first file of a table: of the trials', one whose answers are on record."""
    answered = sorted((root / "predictions").glob("*.parquet"))[0]
    return root / table / answered.name
