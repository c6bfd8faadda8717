"""The verdict: which arm is better, and how sure that is.

    python -m analysis.verdict RESULTS                             # in words, then every pair
    python -m analysis.verdict RESULTS --max-train-seconds 15min --max-memory 2GB --max-parameters 1M

Arms are compared in the task's primary score on the same questions (`analysis.statistics.differences`). What
the space asks for is tested together (`analysis.statistics.contrasts`); other pairs are exploratory. Takes
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis.command_line import open_console, results_parser, run_command
from analysis.comparison.comparing import compare_finished
from analysis.comparison.notes import exclusion_notes
from analysis.comparison.rows import Comparison
from analysis.judgement.budgets import parse_amount, parse_seconds
from analysis.judgement.verdicts import Verdict, judge
from analysis.layout.pairs import pair_table
from analysis.reading.folders import open_studies
from analysis.words.recommendation import recommend
from analysis.words.verdict import say_verdicts


def print_closing_verdict(folder: Path, console: Console) -> None:
    """Print a study's recommendation and verdict in words, at the end of a run.

    Raises:
        AnalysisError: nothing in the folder can be compared yet.
    """
    comparison = compare_finished(open_studies([folder]))
    _print_words(comparison, judge(comparison), console)


def _print_words(
    comparison: Comparison,
    verdicts: Sequence[Verdict],
    console: Console,
    limits: Mapping[str, float] | None = None,
) -> None:
    """Print what to use, why, and the commands that go on from it."""
    found = recommend(comparison, verdicts)
    for line in (*found.lines, "", *say_verdicts(verdicts, limits)):
        console.print(Text(line))
    if found.commands:
        console.print()
    for what, command in found.commands.items():
        # Whole, however narrow the console is: a command is there to be copied.
        console.print(Text(f"{what}: {command}"), soft_wrap=True)


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.verdict", "Say which arm is better, and how sure that is.")
    parser.add_argument(
        "--max-train-seconds", metavar="TIME", help="only arms that train in this: 90, 15min, 2h"
    )
    parser.add_argument(
        "--max-memory", metavar="BYTES", help="only arms whose peak memory keeps to this: 2GB"
    )
    parser.add_argument("--max-parameters", metavar="COUNT", help="only arms that train at most these: 300k")
    options = parser.parse_args(arguments)
    limits = _limits(options.max_train_seconds, options.max_memory, options.max_parameters)
    studies = open_studies(options.results)
    comparison = compare_finished(studies)
    verdicts = judge(comparison)
    console = open_console()
    _print_words(comparison, verdicts, console, limits)
    for verdict in verdicts:
        if verdict.differences:
            console.print(
                pair_table([*verdict.effects, *verdict.differences, *verdict.gains, *verdict.rivals])
            )
    for note in exclusion_notes(studies):
        console.print(Text(note))


def _limits(seconds: str | None, memory: str | None, parameters: str | None) -> dict[str, float]:
    limits = {}
    if seconds is not None:
        limits["train_seconds"] = parse_seconds(seconds)
    if memory is not None:
        limits["peak_memory_bytes"] = parse_amount(memory)
    if parameters is not None:
        limits["trainable_parameters"] = parse_amount(parameters)
    return limits


if __name__ == "__main__":
    run_command(_main)
