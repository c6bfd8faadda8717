"""Worked problems that end in a number: GSM8K, and what is like it. The task of a study that names none.

An answer's last line is `#### n`, or the answer is one number (docs/numbers.md). Prompt styles, variants and
annotations are those of docs/protocol.md.
"""

from collections.abc import Callable
from typing import Any

from study.answers.reading import format_number, marked_number, read_reference
from study.scores.numbers import read_numbers
from study.scores.published_rules import NOT_FOR_PROGRAMS
from study.tasks import Given, Score, Task
from study.tasks.task import Row

# A full-width mark is one; what looks for it later knows the ASCII one.
WIDE_MARK = "\uff03"


def with_number(row: Given) -> Given:
    """Return the row with a `#### n`, which a bare number as the answer gets.

    Raises:
        NotOneNumber: the answer is not one number.
    """
    answer = row.answer.replace(WIDE_MARK, "#")
    number = read_reference(answer)
    if marked_number(answer) is None:
        answer = f"#### {format_number(number)}"
    return row if answer == row.answer else Given(row.question, answer, row.extra)


def _by_rule(column: str) -> Callable[[Any, str, Row], Any]:
    return lambda reading, reference, row: reading[column]


TASK = Task(
    description="worked problems that end in a number",
    check=with_number,
    # study.data.prompts puts them: it goes by the variant too, and makes programs of answers.
    styles=dict.fromkeys(("plain", "without_breakdown", "with_breakdown", "python_code"), "{question}"),
    read_all=read_numbers,
    scores=[
        Score(
            "accuracy",
            _by_rule("correct"),
            "the number that the prediction comes to (study.answers.reading) equals the reference's",
            column="correct",
        ),
        Score(
            "accuracy_strict",
            _by_rule("correct_strict"),
            "the number after #### equals the reference's",
            label="strict",
            column="correct_strict",
        ),
        Score(
            "accuracy_lenient",
            _by_rule("correct_lenient"),
            "the reference's number occurs anywhere in the output; no measure of skill",
            label="lenient",
            column="correct_lenient",
        ),
        Score(
            "accuracy_lm_eval_strict",
            _by_rule("correct_lm_eval_strict"),
            "right by lm-evaluation-harness's gsm8k, filter strict-match; null for programs",
            label="lm-eval strict",
            column="correct_lm_eval_strict",
            undefined=NOT_FOR_PROGRAMS,
        ),
        Score(
            "accuracy_lm_eval_flexible",
            _by_rule("correct_lm_eval_flexible"),
            "right by lm-evaluation-harness's gsm8k, filter flexible-extract; null for programs",
            label="lm-eval flexible",
            column="correct_lm_eval_flexible",
            undefined=NOT_FOR_PROGRAMS,
        ),
        Score(
            "rouge1",
            _by_rule("rouge1"),
            "mean ROUGE-1 F-measure, stemmed",
            kind="mean",
            unit="",
            high=1.0,
            label="R-1",
        ),
    ],
    primary="accuracy",
    similarity=True,
    comparison="number",
)
