"""A problem: one question and its worked answer; and which columns of a data set hold them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """The names of the two columns that are read."""

    question: str = "question"
    answer: str = "answer"


GSM8K_COLUMNS = Columns()
# As m-a-p/CodeFeedback-Filtered-Instruction has them.
CODE_COLUMNS = Columns("query", "answer")


@dataclass(frozen=True, slots=True)
class Problem:
    """One question and its worked answer, as the data has them."""

    question: str
    answer: str

    @property
    def question_id(self) -> str:
        """A 16-digit hash of the question: the same question has the same id in every study."""
        return hashlib.sha256(self.question.encode()).hexdigest()[:16]
