"""Dividing the questions of a data set: what is held out, what is sampled, and that no two splits share one.

Every choice is by a seeded hash of the question, so it depends on no order of rows. Two questions that differ
in case, white space and punctuation alone (`study.data.question_keys`) lie on one side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from study.data.question_keys import find_twins
from study.errors import UserError
from study.rows.problems import Problem

# Share of the questions that becomes the test split, where the data has none.
TEST_SHARE = 0.2


def hold_out(
    problems: Iterable[Problem], questions: int, seed: int, twins: Mapping[str, str] | None = None
) -> tuple[list[Problem], list[Problem]]:
    """Split problems into (rest, held out), see `choose_held_out`; `twins` are those of their questions."""
    problems = list(problems)
    if twins is None:
        twins = find_twins(problem.question for problem in problems)
    names = [twins.get(problem.question, problem.question) for problem in problems]
    held_out = choose_held_out(names, questions, seed)
    sides: tuple[list[Problem], list[Problem]] = ([], [])
    for problem, name in zip(problems, names, strict=True):
        sides[name in held_out].append(problem)
    return sides


def choose_held_out(questions: Iterable[str], count: int, seed: int) -> set[str]:
    """Return the questions that are held out, by a seeded hash of the question.

    So a question that stands in the data twice lands on one side. They are `count` distinct questions,
    unless that would be more than half of them.

    Args:
        questions: of several that are one but for case, white space and punctuation, the same for all.

    Raises:
        UserError: there are too few distinct questions to hold any out.
    """
    ranked = sorted(set(questions), key=lambda text: _seeded_hash(text, seed))
    held_out = set(ranked[: min(count, len(ranked) // 2)])
    if not held_out:
        raise UserError("the data needs at least 2 distinct questions, to hold a split out of it")
    return held_out


def rank_rows(questions: Sequence[str], seed: int) -> list[int]:
    """Return the places of all rows in a random order: that of a seeded hash of the question."""
    return sorted(range(len(questions)), key=lambda i: _seeded_hash(questions[i], f"sample {seed}"))


def _seeded_hash(text: str, seed: int | str) -> str:
    return hashlib.sha256(f"{seed}\0{text}".encode()).hexdigest()
