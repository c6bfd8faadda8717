"""A problem: one question and its answer; and which columns of a data set hold them."""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, compress, islice
from typing import Any, overload

# Rows that are turned into Python's objects at once.
BATCH_ROWS = 4096
# Of a problem.
_TEXTS = 3


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
    """One question and its answer, as the data has them.

    Attributes:
        extra: what else its task keeps of the row, a JSON object by name; empty for nothing.
    """

    question: str
    answer: str
    extra: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """What a task's functions are given: the question, the answer, and what else was kept, by name."""
        kept: dict[str, Any] = json.loads(self.extra) if self.extra else {}
        return {**kept, "question": self.question, "answer": self.answer}

    @property
    def question_id(self) -> str:
        """A 16-digit hash of the question: the same question has the same id in every study."""
        return hashlib.sha256(self.question.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Batch:
    """Some thousand problems as one text.

    Attributes:
        text: in UTF-8, each question, its answer and its extra after it.
        ends: of each of those texts within it.
        places: of the problems that count.
    """

    text: bytes
    ends: array[int]
    places: Sequence[int]

    def problems(self) -> list[Problem]:
        """Return those that count."""
        return [Problem(*(self._text(_TEXTS * place + i) for i in range(_TEXTS))) for place in self.places]

    def _text(self, number: int) -> str:
        return self.text[self.ends[number - 1] if number else 0 : self.ends[number]].decode()


class Problems(Sequence[Problem]):
    """Problems as text and little else: as Python's objects they take up twice as much.

    Each is made anew whenever it is asked for; a pass over all of them holds some thousand at a time.
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        rows = iter(problems)
        self._hold(map(_pack, iter(lambda: [*islice(rows, BATCH_ROWS)], [])))

    def only(self, kept: Iterable[bool]) -> Problems:
        """Return those for which `kept` is true; they share the text with these."""
        flags, some = iter(kept), Problems()
        some._hold(
            replace(batch, places=array("H", compress(batch.places, flags))) for batch in self._batches
        )
        return some

    def batches(self) -> Iterator[list[Problem]]:
        """Yield them all, some thousand at a time."""
        for batch in self._batches:
            yield batch.problems()

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
        before = self._ends[number - 1] if number else 0
        batch = self._batches[number]
        return replace(batch, places=[batch.places[place - before]]).problems()[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(own == its for own, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _hold(self, batches: Iterable[_Batch]) -> None:
        self._batches = (*batches,)
        self._ends = [*accumulate(len(batch.places) for batch in self._batches)]


def _pack(problems: Sequence[Problem]) -> _Batch:
    texts = [text.encode() for p in problems for text in (p.question, p.answer, p.extra)]
    return _Batch(b"".join(texts), array("L", accumulate(map(len, texts))), range(len(problems)))


def from_arrow(batch: Any) -> list[Problem]:
    """Return the problems of a batch of Arrow that has their columns."""
    columns = (batch.column(name).to_pylist() for name in ("question", "answer", "extra"))
    return [*map(Problem, *columns)]
