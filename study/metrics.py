"""The metrics: scores of each prediction, and their means over the split.

`summarise` needs nothing but the rows of the predictions file, so a trial's numbers can be recomputed
from it. Definitions: accuracy as in `study.answers`; ROUGE-1 F-measure with stemming (Lin 2004);
perplexity = exp(sum of token losses / sum of tokens) over the whole split; semantic similarity, see
`study.similarity` (Reimers & Gurevych 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from study.answers import contains_number, format_number, last_number, marked_number
from study.sandbox import Result as ProgramResult


def score_answer(
    text: str, reference: str, reference_number: str, program: ProgramResult | None = None
) -> dict[str, Any]:
    """Return the scores of one prediction: numbers read, correct three ways, ROUGE-1 (0-1).

    Args:
        text: the prediction.
        reference: the target.
        reference_number: the reference's final number, a decimal.
        program: how `text` ran in the sandbox, if it is a program: its value is then the prediction's number,
            for accuracy and for strict accuracy.
    """
    expected = Decimal(reference_number)
    if program is None:
        number, strict = last_number(text), marked_number(text)
        outcome = "no_number" if number is None else "answered"
    else:
        number = strict = program.value
        outcome = program.outcome
    return {
        "number": None if number is None else format_number(number),
        "outcome": outcome,
        "correct": number == expected,
        "correct_strict": strict == expected,
        "correct_lenient": contains_number(text, expected),
        "rouge1": float(_rouge().score(reference, text)["rouge1"].fmeasure),
    }


def summarise(predictions: Sequence[Mapping[str, Any]]) -> dict[str, float | int | None]:
    """Return a trial's metrics from the rows of its predictions, by the names of the trial's columns."""
    similarities = [row["similarity"] for row in predictions]
    accuracy = _percent([row["correct"] for row in predictions])
    perplexity = _perplexity(predictions)
    return {
        "questions": len(predictions),
        "accuracy": accuracy,
        "accuracy_strict": _percent([row["correct_strict"] for row in predictions]),
        "accuracy_lenient": _percent([row["correct_lenient"] for row in predictions]),
        "answered": _percent([row["number"] is not None for row in predictions]),
        "rouge1": math.fsum(row["rouge1"] for row in predictions) / len(predictions),
        "perplexity": perplexity,
        "similarity": None if None in similarities else math.fsum(similarities) / len(similarities),
        "search_score": None if perplexity is None else search_score(accuracy, perplexity, len(predictions)),
    }


def search_score(accuracy: float, perplexity: float, questions: int) -> float:
    """Return what the search maximises: accuracy in %, with ties broken by the lower perplexity.

    1 / perplexity lies between 0 and 1 and is worth less than one question, so it orders only what accuracy
    leaves equal. It compares trials of one arm, which share their tokenizer and their targets.
    """
    return accuracy + 100.0 / questions / perplexity


def _perplexity(predictions: Sequence[Mapping[str, Any]]) -> float | None:
    if any(row["nll"] is None for row in predictions):
        return None
    nll = math.fsum(row["nll"] for row in predictions)
    return math.exp(min(nll / sum(row["tokens"] for row in predictions), 700.0))


def _percent(flags: Sequence[bool]) -> float:
    return 100.0 * sum(flags) / len(flags)


@cache
def _rouge() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1"], use_stemmer=True)
