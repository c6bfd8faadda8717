"""The metrics: scores of each prediction, and their means over the split.

`summarise` needs nothing but the rows of the predictions file, so a trial's numbers can be recomputed
from it. Definitions: accuracy as in `study.answers.reading`, the rules of lm-evaluation-harness as in
`study.trial.published_rules`; ROUGE-1 F-measure with stemming, see `study.scores.rouge` (Lin 2004);
perplexity = exp(sum of token losses / sum of tokens) over the whole split; semantic similarity, see
`study.trial.similarity` (Reimers & Gurevych 2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from study.answers.reading import contains_number, format_number, read_prediction
from study.sandbox import Result as ProgramResult
from study.scores.rouge import rouge1
from study.trial.published_rules import is_flexible_match, is_strict_match


def score_answer(
    text: str, reference: str, reference_number: str, program: ProgramResult | None = None
) -> dict[str, Any]:
    """Return the scores of one prediction: numbers read, correct by five rules, ROUGE-1 (0-1).

    Args:
        text: the prediction.
        reference: the target.
        reference_number: the reference's number: a decimal, or a fraction such as 1/3.
        program: how `text` ran in the sandbox, if it is a program: its value is then the prediction's number,
            for accuracy and for strict accuracy.
    """
    expected = Fraction(reference_number)
    scores = (
        _score_text(text, reference, expected) if program is None else _score_program(text, expected, program)
    )
    return {**scores, "rouge1": rouge1(text, reference)}


def _score_text(text: str, reference: str, expected: Fraction) -> dict[str, Any]:
    number, marked = read_prediction(text)
    correct = number == expected
    return {
        "number": None if number is None else format_number(number),
        "outcome": "no_number" if number is None else "answered",
        "correct": correct,
        "correct_strict": marked == expected,
        # 1e6 is right, and has no 1000000 in it.
        "correct_lenient": correct or contains_number(text, expected),
        "correct_lm_eval_strict": is_strict_match(text, reference),
        "correct_lm_eval_flexible": is_flexible_match(text, reference),
    }


def _score_program(text: str, expected: Fraction, program: ProgramResult) -> dict[str, Any]:
    correct = program.value is not None and _computes(program.value, expected)
    return {
        "number": None if program.value is None else format_number(program.value),
        "outcome": program.outcome,
        "correct": correct,
        "correct_strict": correct,
        "correct_lenient": contains_number(text, expected),
        "correct_lm_eval_strict": None,
        "correct_lm_eval_flexible": None,
    }


def _computes(value: Decimal, expected: Fraction) -> bool:
    """Tell whether a program's value is the reference's; of 1/3 the sandbox gives the first 9 places."""
    if "/" not in format_number(expected):
        return Fraction(value) == expected
    return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-9)


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
        "accuracy_lm_eval_strict": _percent_or_none(predictions, "correct_lm_eval_strict"),
        "accuracy_lm_eval_flexible": _percent_or_none(predictions, "correct_lm_eval_flexible"),
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


def _percent_or_none(predictions: Sequence[Mapping[str, Any]], column: str) -> float | None:
    flags = [row[column] for row in predictions]
    return None if None in flags else _percent(flags)
