"""The problems of a data set that can't be made into a program: which, how many, and whether any are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

from study.data.divisions import held_out_rows
from study.data.loading import DataSet
from study.data.programs import NoProgram, has_program, program_from_annotations
from study.errors import UserError
from study.rows.problems import Problem


@dataclass(frozen=True)
class Unprogrammed:
    """A problem without a program, and why."""

    problem: Problem
    why: NoProgram


def without_program(problems: Sequence[Problem]) -> list[Unprogrammed]:
    """Return the problems that have no program, in their order."""
    made = ((problem, program_from_annotations(problem.answer)) for problem in problems)
    return [Unprogrammed(problem, why) for problem, why in made if isinstance(why, NoProgram)]


def describe_missing(variant: str, train: Sequence[Problem], test: Sequence[Problem]) -> str | None:
    """Return the sentence that counts the problems of a variant without a program, or None without any."""
    missing = [without_program(problems) for problems in (train, test)]
    reasons = Counter(found.why.reason for split in missing for found in split)
    if not reasons:
        return None
    told = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return (
        f"python_code: {len(missing[0]):,} of {len(train):,} training questions of the {variant} data "
        f"have no program and are not trained on; {len(missing[1]):,} of {len(test):,} test questions "
        f"have none and are scored all the same ({told}); python -m study.without_program names them"
    )


def check_programs(data: DataSet, variant: str, divisions: Iterable[tuple[int, int]]) -> None:
    """Check that every replicate of a study finds a program to train on.

    Args:
        divisions: of each replicate (questions to validate, seed of the split).

    Raises:
        UserError: one finds none; the message says why.
    """
    problems = data.train.problems
    programmed = [has_program(problem.answer) for problem in problems]
    if not any(programmed):
        reasons = Counter(found.why.reason for found in without_program(problems)).most_common()
        told = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
        raise UserError(
            "python_code needs worked answers with calculator annotations (<<48/2=24>>), to make programs; "
            f"the {variant} data has none in {len(problems):,} training questions ({told}); "
            "valid: another prompt style (--set prompt_style=plain)"
        )
    for questions, seed in divisions:
        if data.validation is None:
            held_out = held_out_rows(map(data.name, problems), questions, seed)
            if all(compress(held_out, programmed)):
                names = {*compress(map(data.name, problems), programmed)}
                raise UserError(
                    f"python_code: {len(names):,} of {len(problems):,} {variant} training questions "
                    "have a program, and a replicate validates on all of those; valid: a smaller --set "
                    "validation_questions=N, or another prompt style (--set prompt_style=plain)"
                )
