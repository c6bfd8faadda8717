"""What the user asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from study.rows.problems import Columns


@dataclass(frozen=True)
class Request:
    """A study as the command line asks for it. None: as the profile has it."""

    space: str
    profile: str = "embedded"
    model: str | None = None
    data: str | None = None
    code_data: str | None = None
    question_column: str | None = None
    answer_column: str | None = None
    task: str | None = None
    primary: str | None = None
    shots: int = 0
    # "auto": rows go through a model's chat template where it has one. Studies of before know none.
    template: str = "none"
    replicates: int | None = None
    trials: int | None = None
    confirm_seeds: int | None = None
    looks: tuple[int, ...] | None = None
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    # Arms that were extended on their own: label -> replicates.
    replicates_of: Mapping[str, int] = field(default_factory=dict)
    skip_bad_rows: bool = False
    keep_leaks: bool = False
    early_stopping: bool = True

    @property
    def columns(self) -> Columns | None:
        """The data's columns that hold the question and the answer, if they are named."""
        if self.question_column is None and self.answer_column is None:
            return None
        return Columns(self.question_column or "question", self.answer_column or "answer")
