"""The task of a study: its scores, by which of them it goes, and how its answers are shown.

study.json says it; one that says nothing is of `MATH`. What decides anywhere in the analysis is
`Task.primary`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.errors import AnalysisError
from analysis.printable import printable
from analysis.units import Measure

COMPARISONS = ("text", "label", "json", "number")
# Longest label or unit that a table has room for.
_LONGEST = 40
# Headers of other columns of the tables.
_TAKEN = frozenset(
    ("arm", "place", "rank", "rank 2", "lr", "lr 2", "trainable", "train", "wall", "train (wall)")
    + ("evaluate", "peak memory", "to ship", "perpl.", "replicates", "seeds", "repeats")
)


@dataclass(frozen=True)
class Score:
    """A score of a task: a column of the trials, and one of the predictions.

    Attributes:
        name: of the trials' column; `column` is that of the predictions: true and false for a share, else
            numbers. What it has in a trial's predictions has the trial's figure as its mean.
        measure: its name in sentences, its unit and direction.
        header: of its column in tables, where it is not the primary score.
        is_share: whether it is a share of the questions: shown in %, with Wilson's interval.
        low, high: its range in its unit; None: it has no such end.
        is_aggregate: whether it is no mean over questions: its column holds jackknife values.
        in_terminal: whether a terminal's table has room for it; documents have every score.
    """

    name: str
    column: str
    measure: Measure
    header: str
    description: str = ""
    is_share: bool = True
    low: float | None = 0.0
    high: float | None = 100.0
    is_aggregate: bool = False
    in_terminal: bool = True

    @property
    def factor(self) -> float:
        """What the predictions' column is multiplied by to be in the score's unit."""
        return 100.0 if self.is_share else 1.0

    @property
    def worst(self) -> float | None:
        """The worst that it can be; None where that has no end."""
        return self.high if self.measure.lower_is_better else self.low


@dataclass(frozen=True)
class Task:
    """What a study asks, and how its answers are scored and shown.

    Attributes:
        primary: the score by which the search chose and the verdict speaks.
        comparison: how an answer is shown beside its reference: one of `COMPARISONS`.
        is_labels: whether answers are labels; `labels` are all of them.
        answer: the predictions' column of what was read out of an output, null where nothing was.
        means: what is measured of each question besides the scores.
    """

    name: str
    description: str
    primary: Score
    scores: tuple[Score, ...]
    comparison: str = "text"
    is_labels: bool = False
    labels: tuple[str, ...] = ()
    answer: str = "answer"
    means: tuple[str, ...] = ("similarity",)

    @property
    def is_math(self) -> bool:
        """Whether it is the task of word problems, whose tables and words are its own."""
        return self.name == MATH.name

    @property
    def others(self) -> tuple[Score, ...]:
        """Its scores but for the primary one."""
        return tuple(score for score in self.scores if score.name != self.primary.name)

    @property
    def right(self) -> Score | None:
        """The score that says of an answer whether it is right; None where none does: valid is not right."""
        if self.primary.is_share:
            return self.primary
        shares = [score for score in self.scores if score.is_share]
        named = (score for score in shares if score.column == "correct" or score.name == "exact_match")
        return next(named, None)

    @property
    def by_question(self) -> Score | None:
        """The score that can be given of some of the questions: the primary one, unless it is no mean."""
        ordered = [self.primary, *([self.right] if self.right else []), *self.scores]
        return next((score for score in ordered if not score.is_aggregate), None)


def _accuracy(name: str, said: str, header: str, in_terminal: bool = True) -> Score:
    return Score(name, name.replace("accuracy", "correct"), Measure(said), header, in_terminal=in_terminal)


_MATH_SCORES = (
    _accuracy("accuracy", "accuracy", "accuracy"),
    _accuracy("accuracy_strict", "strict accuracy", "strict"),
    _accuracy("accuracy_lenient", "lenient accuracy", "lenient"),
    _accuracy("accuracy_lm_eval_strict", "lm-eval strict accuracy", "lm-eval strict", in_terminal=False),
    _accuracy(
        "accuracy_lm_eval_flexible", "lm-eval flexible accuracy", "lm-eval flexible", in_terminal=False
    ),
)
# A mean that ranks nothing, unless a user asks for it.
_ROUGE = Score("rouge1", "rouge1", Measure("ROUGE-1", "", 3), "R-1", is_share=False, low=0.0, high=1.0)
MATH = Task(
    "math_word_problems",
    "worked problems that end in a number",
    _MATH_SCORES[0],
    _MATH_SCORES,
    comparison="number",
    answer="number",
    means=("rouge1", "similarity"),
)


def read_task(entry: Mapping[str, Any] | None, where: str) -> Task:
    """Return the task that the entry of a study.json says, of which the kinds are right.

    Raises:
        AnalysisError: it doesn't say by which score the study goes, or what its scores are.
    """
    if entry is None:
        return MATH
    name = str(entry.get("name") or "")
    if name in ("", MATH.name):
        return _with_primary(MATH, entry.get("primary"), where)
    scores = _read_scores(entry.get("scores") or [], where)
    if not scores:
        raise AnalysisError(f"'{where}': the task {printable(name)} has no scores")
    labels = tuple(dict.fromkeys(entry.get("labels") or []))
    comparison = entry.get("comparison")
    named = {score.name for score in scores}
    task = Task(
        name=_shorten(name, 80),
        description=" ".join(printable(str(entry.get("description") or "")).split()),
        primary=scores[0],
        scores=scores,
        comparison=comparison if comparison in COMPARISONS else "text",
        is_labels=bool(entry.get("is_labels")),
        labels=labels,
        means=tuple(mean for mean in ("similarity",) if mean not in named),
    )
    return _with_primary(task, entry.get("primary") or "", where)


def _with_primary(task: Task, primary: str | None, where: str) -> Task:
    if primary is None:
        return task
    named = (*task.scores, _ROUGE) if task.is_math else task.scores
    found = next((score for score in named if score.name == primary), None)
    if found is None:
        names = ", ".join(score.name for score in named)
        raise AnalysisError(
            f"'{where}': task.primary must be one of its scores ({names}), "
            f"received '{printable(primary)[:80]}'"
        )
    return replace(task, primary=found)


def _read_scores(entries: Sequence[Mapping[str, Any]], where: str) -> tuple[Score, ...]:
    scores = [_read_score(entry, f"'{where}': task.scores.{place}") for place, entry in enumerate(entries)]
    names = [score.name for score in scores]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AnalysisError(f"'{where}': two scores of the task are called {twice}")
    said = [score.measure.name for score in scores]
    return tuple(
        _called(score, score.name) if said.count(score.measure.name) > 1 else score for score in scores
    )


def _read_score(entry: Mapping[str, Any], where: str) -> Score:
    name, kind = str(entry.get("name") or ""), entry.get("kind", "share")
    # It becomes part of the names of files and of ids in a page.
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,60}", name):
        valid = "lower case letters, digits and underscores"
        raise AnalysisError(f"{where}.name must be {valid}, received '{printable(name)[:80]}'")
    if kind not in ("share", "mean"):
        raise AnalysisError(f"{where}.kind must be share or mean, received '{printable(str(kind))[:80]}'")
    is_share = kind == "share"
    unit = "%" if is_share else _shorten(str(entry.get("unit") or ""), _LONGEST)
    low, high = (0.0, 100.0) if is_share else (entry.get("low"), entry.get("high"))
    lower = bool(entry.get("lower_is_better"))
    score = Score(
        name=name,
        column=str(entry.get("column") or name),
        measure=Measure("", unit, _digits(unit, low, high), lower),
        header="",
        description=" ".join(printable(str(entry.get("description") or "")).split()),
        is_share=is_share,
        low=low,
        high=high,
        is_aggregate=bool(entry.get("is_aggregate")),
    )
    return _called(score, _shorten(str(entry.get("label") or ""), _LONGEST) or name.replace("_", " "))


def _called(score: Score, said: str) -> Score:
    measure = replace(score.measure, name=said)
    header = f"{measure.heading} (score)" if measure.heading in _TAKEN else measure.heading
    return replace(score, measure=measure, header=header)


def _digits(unit: str, low: float | None, high: float | None) -> int | None:
    """Return the digits of figures in a range: one of 0 to 100, three of 0 to 1; None where it has no end."""
    if low is None or high is None or not high > low:
        return 1 if unit == "%" else None
    return min(max(3 - math.ceil(math.log10(high - low)), 0), 9)


def _shorten(text: str, most: int) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
