"""The labels of data whose answers are a few: which there are, and which no training question has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from study.data.loading import DataSet
from study.errors import UserError

MOST_LABELS = 1000
_MOST_SHOWN = 8


def labels_of(data: DataSet) -> tuple[str, ...]:
    """Return the distinct answers of all splits, in their order."""
    return tuple(sorted({problem.answer for split in data.splits for problem in split.problems}))


def describe_labels(data: DataSet, task: str) -> Iterator[str]:
    """Yield what is to be said of the labels, a line each.

    Raises:
        UserError: they are no few labels.
    """
    trained = Counter(problem.answer for problem in data.train.problems)
    rows = sum(trained.values())
    if len(trained) > MOST_LABELS or len(trained) * 2 > max(rows, 4):
        raise UserError(
            f"task {task} needs a few labels, at most {MOST_LABELS:,} and each several times; the training "
            f"data have {len(trained):,} different answers in {rows:,} rows; valid: --task short_answer or "
            "generation"
        )
    if len(trained) == 1:
        raise UserError(f"task {task} needs two labels, the training data have one: '{next(iter(trained))}'")
    shown = [f"{label} {count / rows:.0%}" for label, count in trained.most_common(_MOST_SHOWN)]
    more = f" and {len(trained) - _MOST_SHOWN} more" if len(trained) > _MOST_SHOWN else ""
    yield f"{len(trained)} labels in the training data: {', '.join(shown)}{more}"
    yield from _describe_unseen(data, trained)


def _describe_unseen(data: DataSet, trained: Counter[str]) -> Iterator[str]:
    for name, split in (("validation", data.validation), ("test", data.test)):
        answers = [problem.answer for problem in split.problems] if split else []
        unseen = Counter(answer for answer in answers if answer not in trained)
        if unseen:
            yield (
                f"{_names([*unseen])} {'is a label' if len(unseen) == 1 else 'are labels'} of the {name} "
                f"split alone ({sum(unseen.values()):,} of {len(answers):,} rows): no arm can learn them"
            )


def _names(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _MOST_SHOWN} more" if len(labels) > _MOST_SHOWN else ""
    return ", ".join(f"'{label}'" for label in labels[:_MOST_SHOWN]) + more
