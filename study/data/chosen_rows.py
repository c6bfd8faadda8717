"""Which rows of the data a trial trains on and is scored on, before any is tokenised.

Of an ordered file the first rows are no sample of it: where a limit leaves rows out, they are drawn by a
seeded hash. The test questions are the same for every trial; what a replicate trains on is its own. The rows
of the embedded data lie in random order, so their first ones are a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from study import embedded
from study.config import TrialConfig
from study.data.divisions import held_out_rows, rank_rows
from study.data.loading import Problem
from study.data.programs import has_program
from study.data.store import StoredProblems
from study.workplace import Workplace


@dataclass(frozen=True)
class Choice:
    """The rows of a trial."""

    config: TrialConfig
    workplace: Workplace
    stored: StoredProblems

    def side(self, split: str) -> list[int]:
        """Return the rows of the train file that the trial's replicate trains on, or is validated on."""
        if self.stored.has_validation:
            return [*range(self.stored.count("train"))] if split == "train" else []
        config, names = self.config, self.stored.names("train")
        held_out = held_out_rows(names, config.validation_questions, config.split_seed)
        return [i for i, is_held_out in enumerate(held_out) if is_held_out == (split == "validation")]

    def is_whole(self, split: str) -> bool:
        """Tell whether every row of a split's file is tokenised, which serves every replicate."""
        if split == "test":
            return self._holds_all("test", self.config.test_questions)
        if split == "validation" and self.stored.has_validation:
            return self._holds_all("validation", self.config.validation_questions)
        return self.config.train_questions is None

    def key(self, split: str) -> dict[str, Any]:
        """Return what decides which rows of a split are chosen; nothing where all are."""
        if self.is_whole(split):
            return {}
        if split == "test":
            return {"test_questions": self.config.test_questions}
        names = ("train_questions", "validation_questions", "split_seed")
        return {name: getattr(self.config, name) for name in names}

    def problems(self, split: str) -> Iterator[Sequence[Problem]]:
        """Yield the problems of a split, some thousand at a time."""
        if self.is_whole(split):
            return self.stored.problems(split)
        if split == "test":
            ranked = self._ranked(self.stored.questions("test"), seed=0)
            return self.stored.problems("test", sorted(ranked[: self.config.test_questions]))
        if split == "validation":
            return self._validation()
        return self.stored.problems("train", self._train())

    def _validation(self) -> Iterator[Sequence[Problem]]:
        if self.stored.has_validation:
            ranked = self._ranked(self.stored.questions("validation"), self.config.split_seed)
            return self.stored.problems("validation", sorted(ranked[: self.config.validation_questions]))
        return self.stored.problems("train", self.side("validation"))

    def _train(self) -> list[int]:
        """Return the first `train_questions` rows of a random order; for programs, those that have one."""
        rest = {*self.side("train")}
        every = self._ranked(self.stored.questions("train"), self.config.split_seed)
        ranked = [i for i in every if i in rest]
        limit = self.config.train_questions
        assert limit is not None
        if self.config.prompt_style != "python_code":
            return sorted(ranked[:limit])
        chosen: list[int] = []
        for start in range(0, len(ranked), limit):
            places = ranked[start : start + limit]
            problems = [problem for batch in self.stored.problems("train", places) for problem in batch]
            chosen += [i for i, problem in zip(places, problems, strict=True) if has_program(problem.answer)]
            if len(chosen) >= limit:
                break
        return sorted(chosen[:limit])

    def _ranked(self, questions: Iterable[str], seed: int) -> list[int]:
        if self.workplace.data.path == embedded.DATA_DIR:
            return [i for i, _ in enumerate(questions)]
        return rank_rows(questions, seed)

    def _holds_all(self, split: str, limit: int | None) -> bool:
        return limit is None or limit >= self.stored.count(split)
