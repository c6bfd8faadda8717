"""Scores of answers that come to a number: accuracy by five rules, of a text or of a program's value.

Definitions: accuracy as in `study.answers.reading`, the rules of lm-evaluation-harness as in
`study.scores.published_rules`; ROUGE-1 F-measure with stemming, see `study.scores.rouge` (Lin 2004).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from study.answers.reading import contains_number, format_number, read_prediction
from study.sandbox import Result as ProgramResult
from study.sandbox import Sandbox
from study.scores.published_rules import is_flexible_match, is_strict_match
from study.scores.rouge import rouge1

# The prompt style under which an answer is a program.
PROGRAMS = "python_code"


def read_numbers(texts: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what each output comes to: its number, and whether it is right by each rule.

    Args:
        rows: of each output its `target` (what should have been written), its `reference_number` and its
            `prompt_style`: programs run in the sandbox.
    """
    programs: Sequence[ProgramResult | None] = [None] * len(texts)
    if rows and rows[0]["prompt_style"] == PROGRAMS:
        with Sandbox() as sandbox:
            programs = sandbox.run_all(texts)
    return [
        score_answer(text, row["target"], row["reference_number"], program)
        for text, row, program in zip(texts, rows, programs, strict=True)
    ]


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
