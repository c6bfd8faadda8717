"""The problems of a data set that can't be made into a program, counted and named.

    python -m study.without_program openai/gsm8k                 # seconds; also a folder, or 'embedded'
    python -m study.without_program embedded --variant socratic

The `python_code` style does not train on them; where they are scored, they are scored.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from study.command_line import Parser, run_command
from study.data import GSM8K_COLUMNS, Columns, DataSet, Problem, load_data
from study.divisions import choose_held_out
from study.errors import UserError
from study.printable import printable
from study.programs import NoProgram, has_program, program_from_annotations


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
    names = {data.name(problem) for problem in problems if has_program(problem.answer)}
    if not names:
        reasons = Counter(found.why.reason for found in without_program(problems)).most_common()
        told = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
        raise UserError(
            "python_code needs worked answers with calculator annotations (<<48/2=24>>), to make programs; "
            f"the {variant} data has none in {len(problems):,} training questions ({told}); "
            "valid: another prompt style (--set prompt_style=plain)"
        )
    for questions, seed in divisions:
        if len(names) <= questions and data.validation is None:
            held_out = choose_held_out(map(data.name, problems), questions, seed)
            if names <= held_out:
                raise UserError(
                    f"python_code: {len(names):,} of {len(problems):,} {variant} training questions "
                    "have a program, and a replicate validates on all of those; valid: a smaller --set "
                    "validation_questions=N, or another prompt style (--set prompt_style=plain)"
                )


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(
        prog="python -m study.without_program", description="Name the problems that have no program, and why."
    )
    parser.add_argument("data", help="a folder or a file, a Hub name, or 'embedded'")
    parser.add_argument("--variant", default="main", help="main or socratic (main)")
    parser.add_argument("--question-column", default=GSM8K_COLUMNS.question, help="column of the question")
    parser.add_argument("--answer-column", default=GSM8K_COLUMNS.answer, help="column of the answer")
    return parser


def _main(arguments: Sequence[str] | None) -> int:
    from study.sources import find_data

    options = make_parser().parse_args(arguments)
    columns = Columns(options.question_column, options.answer_column)
    path = find_data(options.data).path
    data = load_data(path, options.variant, columns=columns)
    for split, problems in (("train", data.train.problems), ("test", data.test.problems)):
        missing = without_program(problems)
        for found in missing:
            start = " ".join(found.problem.question.split())[:60]
            line = f"{split} {found.problem.question_id}  {found.why.reason}: {found.why.detail}  [{start}]"
            print(printable(line))
        print(f"{len(missing):,} of {len(problems):,} {split} questions have no program")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
