"""`Task` and `Score`: what a file in `tasks/` is made of.

from study.tasks import Score, Task

def same(prediction, reference, row):
    return prediction.strip().lower() == reference.strip().lower()

TASK = Task(
    description="capitals of countries",
    question="country",
    answer="capital",
    styles={"plain": "What is the capital of {question}?"},
    scores=[Score("exact_match", same, "the capital, whatever its case")],
    primary="exact_match",
)
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]


class BadRow(ValueError):
    """A row that a task can't use; the message says what is wrong with it and what is valid."""


@dataclass(frozen=True)
class Given:
    """What a task makes of a row of the data.

    Attributes:
        question: the text that is put to the model, within a prompt style. It identifies the row: no
            question stands in two splits.
        answer: the reference, as the model should write it.
        extra: what else the scores need, by name; JSON. `group`, if it is there, is the row's group.
    """

    question: str
    answer: str
    extra: Row = field(default_factory=dict)


@dataclass(frozen=True)
class Style:
    """A prompt style: what the model reads, and what it should write.

    Attributes:
        source: a text with `{question}` and the names of extra columns in it, or a function of a row (its
            question, answer and extra columns by name); nothing of the answer may come out of it.
        target: a function of the row, or None: its answer.
    """

    source: str | Callable[[Row], str]
    target: Callable[[Row], str] | None = None


@dataclass(frozen=True)
class Aggregate:
    """A score of a whole split that is no mean over its questions: a function of sums (macro-F1, BLEU).

    It is resampled by the jackknife: each question's row holds T + (n - 1) (M - T_i), for the score T of all
    n questions, T_i of all but this one, and their mean M; so the column's mean is T (Efron and Tibshirani
    1993, An Introduction to the Bootstrap, chapter 11).

    Attributes:
        counts: (prediction, reference, row) -> what the question adds to each sum, by name.
        value: sums by name -> the score.
    """

    counts: Callable[[Any, str, Row], Mapping[str, float]]
    value: Callable[[Mapping[str, float]], float]


@dataclass(frozen=True)
class Score:
    """A score, which is a column of the trials and of the predictions.

    Attributes:
        name: of the column: lower case, digits, underscores.
        of: (prediction, reference, row) -> a number, or True and False; or an `Aggregate`. The prediction is
            what the task's `read` made of the output, None where it read nothing; without one, the output.
        description: what it is, in a line.
        kind: "share": of each question 0 or 1, shown in % with Wilson's interval; "mean": a number of each
            question. An `Aggregate` is a mean.
        unit: of a mean: "%", or whatever stands behind its figure; "" for none.
        low, high: its range; None: it has no such end. A question's score beyond it fails its trial; what an
            Aggregate's rows hold may lie beyond it.
        column: of the predictions that holds it question by question; by default its name.
        lower_is_better: whether less is better.
        label: its name in tables, by default the name with spaces.
        undefined: why it may be None for some rows, where it may.
    """

    name: str
    of: Callable[[Any, str, Row], float] | Aggregate
    description: str
    kind: Literal["share", "mean"] = "share"
    unit: str = "%"
    low: float | None = 0.0
    high: float | None = 100.0
    lower_is_better: bool = False
    label: str | None = None
    column: str | None = None
    undefined: str | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or keyword.iskeyword(self.name) or self.name != self.name.lower():
            raise ValueError(
                f"a score's name is lower case letters, digits and underscores, received {self.name!r}"
            )
        if self.kind not in ("share", "mean"):
            raise ValueError(f"score {self.name}: kind is 'share' or 'mean', received {self.kind!r}")
        if isinstance(self.of, Aggregate) and self.kind == "share":
            raise ValueError(f"score {self.name}: an Aggregate is no share of questions; valid: kind='mean'")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(
                f"score {self.name}: low must be below high, received {self.low} and {self.high}"
            )

    @property
    def shown(self) -> str:
        """Its name in tables."""
        return self.label or self.name.replace("_", " ")

    def show(self, value: float) -> str:
        """Return a value with its unit, as it stands in a line."""
        if self.kind == "share" or self.unit == "%":
            return f"{value:.1f}%"
        return f"{value:.4g} {self.unit}".rstrip()

    def best(self, values: Sequence[float]) -> float:
        """Return the best of some values."""
        return min(values) if self.lower_is_better else max(values)


@dataclass(frozen=True)
class Task:
    """What is asked of a model, and how its answers are scored.

    Attributes:
        description: what it is, in a line.
        scores: the first ones are shown first.
        primary: the score by which the search chooses and the verdict speaks.
        question, answer: the columns that hold them; of several names, the first that the data have. What a
            user names with --question-column and --answer-column comes first.
        extra: further columns that the scores or the prompts need.
        row: a function of a row of the data (its columns by name), instead of these; it raises `BadRow`.
        columns: with `row`: the columns that it needs.
        check: a function of what was read, which may change it; it raises `BadRow` for what can't be used.
        styles: prompt style -> how a row is put; the first is the default.
        read: (output, row) -> the answer that it holds, or None; without it the output is the answer. What is
            read may be a mapping: its `answer`, `number` and `outcome` are then columns of the predictions.
        read_all: (outputs, rows) -> the same of all at once, for what has to be started (the sandbox).
        is_labels: whether answers are a few labels: rows then have them all as `labels`, outputs that are
            none are counted, and the report has a confusion matrix.
        floors: names of methods (`study.methods`) that need no skill, rows of every table.
        similarity: whether the semantic similarity of output and reference is computed (confirm stage).
        comparison: how the report shows an output beside its reference: "text", "label", "json" or "number".
    """

    description: str
    scores: Sequence[Score]
    primary: str
    question: str | Sequence[str] = "question"
    answer: str | Sequence[str] = "answer"
    extra: Sequence[str] = ()
    row: Callable[[Row], Given] | None = None
    columns: Sequence[str] = ()
    check: Callable[[Given], Given] | None = None
    styles: Mapping[str, Style | str] = field(default_factory=lambda: {"plain": "{question}"})
    read: Callable[[str, Row], Any] | None = None
    read_all: Callable[[Sequence[str], Sequence[Row]], Sequence[Any]] | None = None
    is_labels: bool = False
    floors: Sequence[str] = (
        "floor_commonest_answer",
        "floor_random_solution",
        "floor_nearest_solution",
        "floor_echo",
    )
    similarity: bool = False
    comparison: Literal["text", "label", "json", "number"] = "text"

    def __post_init__(self) -> None:
        names = [score.name for score in self.scores]
        if not names:
            raise ValueError("a task needs at least one score")
        if self.primary not in names:
            raise ValueError(
                f"primary must be one of the scores, {', '.join(names)}; received {self.primary!r}"
            )
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two scores are called '{twice}'")
        if not self.styles:
            raise ValueError("a task needs at least one prompt style")
        if self.row is not None and not self.columns:
            raise ValueError(
                "a task with a function of the row names the columns that it needs: columns=[...]"
            )

    def score(self, name: str) -> Score:
        """Return the score of that name."""
        return next(score for score in self.scores if score.name == name)

    def style(self, name: str) -> Style:
        """Return the prompt style of that name."""
        style = self.styles[name]
        return style if isinstance(style, Style) else Style(style)
