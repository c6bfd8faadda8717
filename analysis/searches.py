"""What the search itself shows: what it chose, the best of n trials, which hyperparameters mattered.

    python -m analysis.searches RESULTS

Scores are the primary ones, on the validation split; `analysis.searching.best_of` says how trials count that
failed or were stopped early. Takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from analysis.arms.arm import Arm
from analysis.arms.names import name_arms
from analysis.arms.pooling import pool_arms
from analysis.command_line import open_console, results_parser, run_command, say_left_out
from analysis.comparison.notes import exclusion_notes
from analysis.comparison.tasks import common_task
from analysis.errors import AnalysisError
from analysis.layout.best_of import best_table
from analysis.layout.choices import choice_table
from analysis.layout.spending import spending_table
from analysis.reading.folders import open_studies
from analysis.searching.best_of import caption, too_few_sentence
from analysis.searching.choices import find_choices, overstatement
from analysis.searching.importance import importance_lines
from analysis.searching.spending import saving_sentence, spending, total_spending


def _overstatement(arms: Sequence[Arm]) -> Text | None:
    sentence = overstatement([choice for arm in arms for choice in find_choices(arm)])
    return None if sentence is None else Text(sentence)


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.searches", "Show what each arm's search found, and what it cost.")
    options = parser.parse_args(arguments)
    studies = open_studies(options.results)
    common_task(studies)
    arms, _ = pool_arms(studies)
    say_left_out(exclusion_notes(studies))
    names = name_arms(arms)
    found = [(arm, name) for arm, name in zip(arms, names, strict=True) if arm.search]
    if not found:
        raise AnalysisError(f"no search trial is finished in {', '.join(options.results)}")
    console = open_console()
    searched, named = [arm for arm, _ in found], [name for _, name in found]
    for part in (choice_table(searched, named), _overstatement(searched)):
        if part is not None:
            console.print(part)
    if (best := best_table(searched, named)) is not None:
        console.print(best)
        console.print(Text(f"{' '.join(caption(searched[0].task.primary).split())}."))
    if (sentence := too_few_sentence(searched, named)) is not None:
        console.print(Text(sentence))
    console.print("share of the score's variance that each hyperparameter explains (fANOVA):")
    for line in importance_lines(searched):
        console.print(Text(f"  {line}"))
    spent = [spending(arm, name) for arm, name in zip(arms, names, strict=True) if not arm.is_reference]
    console.print(spending_table(spent))
    if (saved := saving_sentence(total_spending(spent).saving)) is not None:
        console.print(Text(saved))


if __name__ == "__main__":
    run_command(_main)
