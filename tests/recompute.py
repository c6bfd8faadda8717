"""A trial's metrics once more, from the texts of its predictions and not from their scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from rouge_score.rouge_scorer import RougeScorer

from study.answers.reading import answer_number

Row = Mapping[str, Any]


def recompute(predictions: Sequence[Row], *, programs: bool = False) -> dict[str, float | None]:
    """Return accuracy, ROUGE-1 and perplexity. A program's number is taken from its row, not run again."""
    scorer = RougeScorer(["rouge1"], use_stemmer=True)
    count = len(predictions)
    correct = sum(_number(row, programs) == Fraction(row["reference_number"]) for row in predictions)
    rouge = sum(scorer.score(row["reference"], row["text"])["rouge1"].fmeasure for row in predictions)
    metrics: dict[str, float | None] = {"accuracy": 100 * correct / count, "rouge1": rouge / count}
    if predictions[0]["nll"] is None:
        return {**metrics, "perplexity": None}
    nll, tokens = (sum(row[name] for row in predictions) for name in ("nll", "tokens"))
    return {**metrics, "perplexity": math.exp(nll / tokens)}


def _number(row: Row, programs: bool) -> Fraction | None:
    if programs:
        return None if row["number"] is None else Fraction(row["number"])
    return answer_number(row["text"])
