"""A question, with or without a text to answer it from, and a few words that answer it: SQuAD, trivia.

    python -m study.run --space lora_rank --data squad.jsonl --task short_answer

An answer is a text, a list of texts that are all right, or SQuAD's {"text": [...]}. `f1` is primary:
annotators themselves differ in where an answer begins and ends, which an exact match punishes as it does a
wrong answer, and so F1 tells two recipes apart with fewer questions.
"""

import json
from dataclasses import replace
from typing import Any

from study.scores.short_answers import exact_match, read_first_line, token_f1
from study.tasks import BadRow, Given, Score, Task

VALID = 'valid: a text, a list of texts, {"text": [...]}'


def check(given: Given) -> Given:
    """Return the row with its text below the question, and every right answer in `references`."""
    extra = dict(given.extra)
    context = extra.pop("context", None)
    texts = references_of(given.answer)
    if not texts or not all(text.strip() for text in texts):
        raise BadRow(f"no answer, or an empty one; {VALID}")
    if len(texts) > 1:
        extra["references"] = texts
    # The question first: what is too long for a model is cut at its end.
    question = f"{given.question}\n\n{context}" if context else given.question
    return replace(given, question=question, answer=texts[0], extra=extra)


def references_of(answer: str) -> list[str]:
    """Return the texts of an answer, which is one, or JSON that holds several."""
    found: Any = answer
    if answer.lstrip().startswith(("[", "{")):
        try:
            found = json.loads(answer)
        except (ValueError, RecursionError):
            return [answer]
    if isinstance(found, dict) and "text" in found:
        found = found["text"]
    texts = found if isinstance(found, list) else [found]
    if not all(isinstance(text, str | int | float) and not isinstance(text, bool) for text in texts):
        raise BadRow(f"an answer of another form: {answer[:60]}; {VALID}")
    return list(dict.fromkeys(str(text) for text in texts))


TASK = Task(
    description="a few words that answer a question",
    question="question",
    answer=("answers", "answer"),
    extra=("context",),
    check=check,
    styles={"plain": "{question}", "instruction": "Answer the question in a few words.\n{question}"},
    read=read_first_line,
    scores=[
        Score(
            "f1",
            token_f1,
            "F-measure of the words shared with the best reference (SQuAD v1.1)",
            kind="mean",
            label="F1",
        ),
        Score(
            "exact_match",
            exact_match,
            "the answer is a reference, in SQuAD v1.1's normal form",
            column="correct",
        ),
    ],
    primary="f1",
    floors=(
        "floor_commonest_answer",
        "floor_random_solution",
        "floor_nearest_solution",
        "floor_echo",
        "floor_empty",
    ),
)
