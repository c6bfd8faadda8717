"""The rows that cases bring where they say nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
# Five questions, answered 11 to 15.
ROWS: list[Row] = [{"question": f"Question {word}?", "answer": 11 + i} for i, word in enumerate("ABCDE")]
MORE: list[Row] = [{"question": f"Another {word}?", "answer": 21 + i} for i, word in enumerate("FGH")]
THIRD: list[Row] = [{"question": f"Third {word}?", "answer": 31 + i} for i, word in enumerate("IJ")]
QUESTIONS = tuple(str(row["question"]) for row in ROWS)


def renamed(rows: Sequence[Row], question: str, answer: str) -> list[Row]:
    """Return rows with other names of the columns."""
    return [{question: row["question"], answer: row["answer"]} for row in rows]


def chats(rows: Sequence[Row], system: str = "") -> list[Row]:
    """Return rows as chats."""
    head = [{"role": "system", "content": system}] if system else []
    turns = [(str(row["question"]), f"#### {row['answer']}") for row in rows]
    return [
        {"messages": [*head, {"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in turns
    ]
