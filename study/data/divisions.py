"""Dividing the questions of a data set: what is held out, what is sampled, and that no two splits share one.

Every choice is by a seeded hash of the question, so it depends on no order of rows. Two questions that differ
in case, white space and punctuation alone (`study.data.question_keys`) lie on one side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from study.data.question_keys import find_twins
from study.errors import UserError
from study.rows.problems import Problem, Problems

# Share of the questions that becomes the test split, where the data has none.
TEST_SHARE = 0.2


def hold_out(
    problems: Iterable[Problem], questions: int, seed: int, twins: Mapping[str, str] | None = None
) -> tuple[Problems, Problems]:
    """Split problems into (rest, held out), see `held_out_rows`; `twins` are those of their questions."""
    problems = problems if isinstance(problems, Problems) else Problems(problems)
    same = find_twins(lambda: (problem.question for problem in problems)) if twins is None else twins
    names = (same.get(problem.question, problem.question) for problem in problems)
    held_out = held_out_rows(names, questions, seed)
    return problems.only(not held for held in held_out), problems.only(held_out)


def held_out_rows(questions: Iterable[str], count: int, seed: int) -> list[bool]:
    """Return of each row whether its question is held out, by a seeded hash of the question.

    So a question that stands in the data twice lands on one side. They are `count` distinct questions,
    unless that would be more than half of them.

    Args:
        questions: of several that are one but for case, white space and punctuation, the same for all.

    Raises:
        UserError: there are too few distinct questions to hold any out.
    """
    hashes = _seeded_hashes(questions, seed)
    distinct = np.unique(hashes)
    held = min(count, len(distinct) // 2)
    if held < 1:
        raise UserError("the data needs at least 2 distinct questions, to hold a split out of it")
    flags: list[bool] = (hashes <= distinct[held - 1]).tolist()
    return flags


def rank_rows(questions: Iterable[str], seed: int) -> list[int]:
    """Return the places of all rows in a random order: that of a seeded hash of the question."""
    places: list[int] = np.argsort(_seeded_hashes(questions, f"sample {seed}"), kind="stable").tolist()
    return places


def _seeded_hashes(texts: Iterable[str], seed: int | str) -> Any:
    """Return a number of each text, (texts,), in the order of its whole hash, of which it is the beginning.

    At 64 bits two of a million texts have the same one in a study out of forty million.
    """
    hashes = (hashlib.sha256(f"{seed}\0{text}".encode()).digest()[:8] for text in texts)
    return np.fromiter((int.from_bytes(start, "big") for start in hashes), np.uint64)
