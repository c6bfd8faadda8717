"""A problem: one question and its worked answer; and which columns of a data set hold them."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, islice
from typing import Any, overload

import pyarrow as pa

# Rows that are turned into Python's objects at once.
BATCH_ROWS = 4096


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


class Problems(Sequence[Problem]):
    """Problems in Arrow's memory, the text and little else: as Python's objects they take up twice as much.

    Each is made anew whenever it is asked for; a pass over all of them holds some thousand at a time.
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        rows = iter(problems)
        self._batches = tuple(_to_arrow(batch) for batch in iter(lambda: [*islice(rows, BATCH_ROWS)], []))
        self._places: tuple[Any, ...] = tuple(None for _ in self._batches)  # of a batch; None: all of it
        self._count()

    def only(self, kept: Iterable[bool]) -> Problems:
        """Return those for which `kept` is true; they share the text with these."""
        flags, some = iter(kept), Problems()
        some._batches = self._batches
        some._places = tuple(
            pa.array(compress(range(len(batch)) if places is None else places.to_pylist(), flags), pa.int64())
            for batch, places in zip(self._batches, self._places, strict=True)
        )
        some._count()
        return some

    def batches(self) -> Iterator[list[Problem]]:
        """Yield them all, some thousand at a time."""
        for number in range(len(self._batches)):
            yield self._batch(number)

    def __iter__(self) -> Iterator[Problem]:
        for batch in self.batches():
            yield from batch

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> Problem: ...

    @overload
    def __getitem__(self, place: slice) -> list[Problem]: ...

    def __getitem__(self, place: int | slice) -> Problem | list[Problem]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        place = range(len(self))[place]  # which raises IndexError, and counts from the end
        number = bisect_right(self._ends, place)
        return self._batch(number)[place - (self._ends[number - 1] if number else 0)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(own == its for own, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _count(self) -> None:
        pairs = zip(self._batches, self._places, strict=True)
        self._ends = [*accumulate(len(batch if places is None else places) for batch, places in pairs)]

    def _batch(self, number: int) -> list[Problem]:
        batch, places = self._batches[number], self._places[number]
        return from_arrow(batch if places is None else batch.take(places))


def from_arrow(batch: Any) -> list[Problem]:
    """Return the problems of a batch of Arrow that has their columns."""
    questions, answers = (batch.column(name).to_pylist() for name in ("question", "answer"))
    return [*map(Problem, questions, answers)]


def _to_arrow(problems: Sequence[Problem]) -> Any:
    columns = ([problem.question for problem in problems], [problem.answer for problem in problems])
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], ["question", "answer"])
