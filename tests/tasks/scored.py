"""The scores of a task for some outputs, as a trial computes them."""

from collections.abc import Sequence
from typing import Any

from study.scores.jackknife import sum_up
from study.tasks import Aggregate, Task


def read_outputs(task: Task, outputs: Sequence[str], rows: Sequence[dict[str, Any]]) -> list[Any]:
    if task.read_all is not None:
        return list(task.read_all(outputs, rows))
    if task.read is not None:
        return [task.read(output, row) for output, row in zip(outputs, rows, strict=True)]
    return list(outputs)


def scores_of(task: Task, outputs: Sequence[str], rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return each score of the split: a share in %, a mean, or an aggregate's value."""
    read = read_outputs(task, outputs, rows)
    scored = {}
    for score in task.scores:
        of = score.of.counts if isinstance(score.of, Aggregate) else score.of
        each: list[Any] = [of(said, row["answer"], row) for said, row in zip(read, rows, strict=True)]
        if isinstance(score.of, Aggregate):
            scored[score.name] = score.of.value(sum_up(each))
        else:
            scored[score.name] = sum(each) / len(each) * (100 if score.kind == "share" else 1)
    return scored
