"""One of a few labels for a text: sentiment, topic, intent.

    python -m study.run --space lora_rank --data reviews.csv --task classification

A row is a text and its label, a word or a whole number. An output that is no label, by the rule of
`study.scores.labels`, is wrong, and counted as unread.
"""

from dataclasses import replace

from study.scores.labels import is_label, macro_f1, read_label
from study.tasks import BadRow, Given, Score, Style, Task
from study.tasks.task import Row

LONGEST_LABEL = 100


def check(given: Given) -> Given:
    """Return the row with its label's white space in order."""
    label = " ".join(given.answer.split())
    if not 0 < len(label) <= LONGEST_LABEL:
        raise BadRow(
            f"a label is a text of 1 to {LONGEST_LABEL} characters or a whole number, "
            f"received one of {len(label):,} characters"
        )
    return replace(given, answer=label)


def instruct(row: Row) -> str:
    """Return the text below an instruction that names every label."""
    return f"Classify the text. Labels: {', '.join(row['labels'])}.\n{row['question']}"


TASK = Task(
    description="a label for a text",
    question=("text", "sentence", "question", "review", "comment", "message", "tweet", "content"),
    answer=("label", "answer", "class", "category", "sentiment", "topic", "intent"),
    check=check,
    styles={"plain": "{question}", "instruction": Style(instruct)},
    read=read_label,
    scores=[
        Score("accuracy", is_label, "the label is the reference", column="correct"),
        Score(
            "macro_f1",
            macro_f1,
            "the mean of the labels' F1, over those that are a reference (scikit-learn's f1_score)",
            kind="mean",
            label="macro-F1",
        ),
    ],
    primary="accuracy",
    is_labels=True,
    floors=(
        "floor_commonest_answer",
        "floor_random_solution",
        "floor_nearest_solution",
        "floor_empty",
        "rival_tfidf",
    ),
    comparison="label",
)
