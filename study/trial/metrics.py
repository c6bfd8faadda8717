"""A trial's metrics: means over the split of what each prediction's row holds.

`summarise` needs nothing but the rows of the predictions file and the task, so a trial's numbers can be
recomputed from it. perplexity = exp(sum of token losses / sum of tokens) over the whole split; semantic
similarity, see `study.trial.similarity` (Reimers & Gurevych 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from study.config import MATH
from study.tasks import Score, Task
from study.tasks.finding import task_of

# Of a mean, what the perplexity may be worth: too little to order what the score does not leave equal.
_TIE = 1e-6


def summarise(
    predictions: Sequence[Mapping[str, Any]], task: Task | None = None, primary: str | None = None
) -> dict[str, float | int | None]:
    """Return a trial's metrics from the rows of its predictions, by the names of the trial's columns.

    Args:
        task: whose scores they hold; None: worked problems.
        primary: the score that decides; None: the task's own.
    """
    task = task or task_of(MATH)
    scores = {score.name: _total(predictions, score) for score in task.scores}
    decides = task.score(primary or task.primary)
    perplexity, value = _perplexity(predictions), scores[decides.name]
    similarities = [row["similarity"] for row in predictions]
    return {
        "questions": len(predictions),
        "score": value,
        **scores,
        "answered": _answered(predictions, task),
        "perplexity": perplexity,
        "similarity": None if None in similarities else math.fsum(similarities) / len(similarities),
        "search_score": None
        if perplexity is None or value is None
        else search_score(value, perplexity, len(predictions), decides),
    }


def search_score(value: float, perplexity: float, questions: int, score: Score | None = None) -> float:
    """Return what the search maximises: the primary score, with ties broken by the lower perplexity.

    1 / perplexity lies between 0 and 1 and is worth less than one question of a share, so it orders only what
    the score leaves equal. It compares trials of one arm, which share their tokenizer and their targets.

    Args:
        score: whose value it is; None: a share, in %.
    """
    if score is None or score.kind == "share":
        return value + 100.0 / questions / perplexity
    return (-value if score.lower_is_better else value) + _TIE / perplexity


def _total(predictions: Sequence[Mapping[str, Any]], score: Score) -> float | None:
    """Return the mean of a score's column: a share in %; None where a row has none."""
    values = [row[score.column or score.name] for row in predictions]
    if None in values:
        return None
    return 100.0 * sum(values) / len(values) if score.kind == "share" else math.fsum(values) / len(values)


def _answered(predictions: Sequence[Mapping[str, Any]], task: Task) -> float | None:
    """Return the share of outputs from which an answer was read, in %; None where all of it is the answer."""
    if task.read is None and task.read_all is None:
        return None
    read = [row.get("number") is not None or row.get("answer") is not None for row in predictions]
    return 100.0 * sum(read) / len(read)


def _perplexity(predictions: Sequence[Mapping[str, Any]]) -> float | None:
    if any(row["nll"] is None for row in predictions):
        return None
    nll = math.fsum(row["nll"] for row in predictions)
    return math.exp(min(nll / sum(row["tokens"] for row in predictions), 700.0))
