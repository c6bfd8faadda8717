"""What an arm answered where answers are labels: how often one was said for another; each label's figures."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.arms.scores import read_texts
from analysis.comparison.rows import ComparisonRow

# Labels that a matrix has room for; the rarer ones stand together in it.
MOST_LABELS = 30
# Reference and answer; None: no label could be read.
Pairs = Counter[tuple[str, str | None]]


@dataclass(frozen=True)
class LabelFigures:
    """One label's figures in %, means over the trials; None where none of them has it.

    Attributes:
        precision: of the answers that are the label the share that is right: None where it was never said.
        recall: of the questions with the label the share that is answered with it: None without any.
        f1: the harmonic mean of both, 0 where the label is never right; None without any of both.
        support: questions with the label.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Confusion:
    """What was answered to the questions of each label, over all scored trials of an arm.

    Attributes:
        labels: of the rows and of the columns; the last may stand for several: `others` says for how many.
        counts: a row for each label: the answers with each, and last those that are no label.
        figures: of every label, in the task's order.
        trials: that were counted.
    """

    labels: list[str]
    counts: list[list[int]]
    figures: list[LabelFigures]
    trials: int
    others: int = 0


def confuse(row: ComparisonRow) -> Confusion | None:
    """Return an arm's confusion matrix; None where its answers are no labels, or can't be read."""
    if not row.task.is_labels:
        return None
    found = [_read(row, str(trial["trial"])) for trial in row.arm.scored_trials]
    trials = [pairs for pairs in found if pairs]
    if not trials:
        return None
    # A label that the test split alone has is one as well.
    labels = list(dict.fromkeys([*row.task.labels, *sorted({name for own in trials for name, _ in own})]))
    read = [_as_labels(pairs, labels) for pairs in trials]
    together: Pairs = sum(read, Counter())
    figures = [_figures(label, read) for label in labels]
    kept = _commonest(labels, together)
    others = len(labels) - len(kept)
    return Confusion(
        [*kept, f"{others} other labels"] if others else kept,
        _count(together, kept, bool(others)),
        figures,
        len(trials),
        others,
    )


def _read(row: ComparisonRow, trial: str) -> Pairs:
    study = row.arm.study_of(next(own for own in row.arm.scored_trials if own["trial"] == trial))
    read = read_texts(study, trial, ["reference", "answer"])
    if read is None:
        return Counter()
    pairs = zip(read[1]["reference"], read[1]["answer"], strict=True)
    return Counter((reference, answer) for reference, answer in pairs if reference is not None)


def _as_labels(pairs: Pairs, labels: Iterable[str]) -> Pairs:
    known, found = set(labels), Pairs()
    for (reference, answer), count in pairs.items():
        found[reference, answer if answer in known else None] += count
    return found


def _figures(label: str, trials: Sequence[Pairs]) -> LabelFigures:
    of_trials = [_of_trial(label, pairs) for pairs in trials]
    precision, recall, f1 = (
        _mean([own[name] for own in of_trials]) for name in ("precision", "recall", "f1")
    )
    support = sum(count for (reference, _), count in trials[0].items() if reference == label)
    return LabelFigures(label, precision, recall, f1, support)


def _of_trial(label: str, pairs: Pairs) -> Mapping[str, float | None]:
    right = pairs[label, label]
    asked = sum(count for (reference, _), count in pairs.items() if reference == label)
    said = sum(count for (_, answer), count in pairs.items() if answer == label)
    return {
        "precision": 100 * right / said if said else None,
        "recall": 100 * right / asked if asked else None,
        "f1": 200 * right / (asked + said) if asked + said else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _commonest(labels: Sequence[str], pairs: Pairs) -> list[str]:
    """Return the labels that have a row of their own, in their order."""
    if len(labels) <= MOST_LABELS:
        return list(labels)
    asked: Counter[str] = Counter()
    for (reference, _), count in pairs.items():
        asked[reference] += count
    kept = set(sorted(labels, key=lambda label: -asked[label])[: MOST_LABELS - 1])
    return [label for label in labels if label in kept]


def _count(pairs: Pairs, kept: Sequence[str], has_others: bool) -> list[list[int]]:
    places = {label: place for place, label in enumerate(kept)}
    size = len(kept) + has_others
    counts = [[0] * (size + 1) for _ in range(size)]
    for (reference, answer), count in pairs.items():
        column = size if answer is None else places.get(answer, size - 1)
        counts[places.get(reference, size - 1)][column] += count
    return counts
