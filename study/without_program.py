"""The problems of a data set that can't be made into a program, counted and named.

    python -m study.without_program openai/gsm8k                 # seconds; also a folder, or 'embedded'
    python -m study.without_program embedded --variant socratic

The `python_code` style does not train on them; where they are scored, they are scored.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from study.command_line import Parser, run_command
from study.data.loading import load_data
from study.data.missing_programs import without_program
from study.printable import printable
from study.rows.problems import GSM8K_COLUMNS, Columns


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
    from study.sources.finding import find_data

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
