"""Looks at a study while it runs: the plan from the command line, and what the driver asks at each look.

`analysis.statistics.sequential` has the rules. A look is a function of the finished rows in the folder: a
study that goes on takes the same looks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from analysis.comparison.comparing import comparison
from analysis.errors import AnalysisError
from analysis.judgement.looks import decide
from analysis.reading.folders import open_studies
from analysis.statistics.sequential import LookPlan, split_alpha
from analysis.words.looks import look_sentences

__all__ = ["Look", "LookPlan", "parse_looks", "split_alpha", "take_look"]


@dataclass(frozen=True)
class Look:
    """What a look decided.

    Attributes:
        stopped: arm -> why it need not run on, in words; those that this look stops.
        settled: whether nothing that was planned is open any more: no arm need run on.
        sentences: what the look showed, for people.
    """

    stopped: dict[str, str]
    settled: bool
    sentences: list[str]


def parse_looks(text: str, replicates: int | None = None) -> LookPlan:
    """Return the plan of looks from a text like 3,6,12; the last look is after all `replicates`.

    Raises:
        AnalysisError: it is none.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise AnalysisError(f"looks must be numbers of replicates with commas (3,6,12), received '{text}'")
    numbers = [int(word) for word in words]
    if numbers[0] < 2:
        raise AnalysisError(f"the first look must be after 2 replicates or more, received '{text}'")
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise AnalysisError(f"looks must increase (3,6,12), received '{text}'")
    if replicates is not None and numbers[-1] != replicates:
        raise AnalysisError(f"the last look must be after all {replicates} replicates, received '{text}'")
    return LookPlan(tuple(numbers), split_alpha(len(numbers)))


def take_look(folder: Path, plan: LookPlan, look: int) -> Look:
    """Return what look number `look` (from 0) decides, from the finished rows of a study's folder.

    Raises:
        AnalysisError: the folder holds no study.
    """
    decision = decide(comparison(open_studies([folder])), plan, look)
    return Look(decision.stopped, decision.settled, look_sentences(decision, plan, look))
