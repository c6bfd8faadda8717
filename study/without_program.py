"""The problems of a data set that can't be made into a program, counted and named.

    python -m study.without_program openai/gsm8k                 # seconds; also a folder, or 'embedded'
    python -m study.without_program embedded --variant socratic

The `python_code` style does not train on them; where they are scored, they are scored.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from study.command_line import Parser, run_command
from study.data import GSM8K_COLUMNS, Columns, Problem, load_split
from study.programs import NoProgram, program_from_annotations


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
    for split in ("train", "test"):
        problems = load_split(path, options.variant, split, columns=columns).problems
        missing = without_program(problems)
        for found in missing:
            start = " ".join(found.problem.question.split())[:60]
            print(f"{split} {found.problem.question_id}  {found.why.reason}: {found.why.detail}  [{start}]")
        print(f"{len(missing):,} of {len(problems):,} {split} questions have no program")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
