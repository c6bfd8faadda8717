"""An object in JSON for a text: the fields of an order, a person, an event.

    python -m study.run --space lora_rank --data orders.jsonl --task extraction

An answer is JSON as text, or a cell that is an object or a list. A column `schema`, if there is one, holds
each row's JSON schema. `exact_match` is primary: what reads the object needs the whole of it.
"""

from dataclasses import replace

from study.scores.json_schemas import read_schema, satisfies
from study.scores.json_values import canonical, parse_json, read_json
from study.scores.objects import field_f1, is_equal, is_valid
from study.tasks import BadRow, Given, Score, Style, Task
from study.tasks.task import Row


def check(given: Given) -> Given:
    """Return the row with its schema as text; its answer must be JSON that satisfies it."""
    try:
        value = parse_json(given.answer)
        canonical(value)
    except ValueError as error:
        raise BadRow(
            f'the answer is no JSON: {error}; received {given.answer[:60]!r}, valid: {{"name": "Ann"}}'
        ) from None
    if given.extra.get("schema") is None:
        return given
    try:
        schema = read_schema(given.extra["schema"])
        is_satisfied = satisfies(value, schema)
    except (ValueError, RecursionError) as error:
        raise BadRow(f"its schema is no JSON schema that can be used: {error}") from None
    if not is_satisfied:
        raise BadRow(f"the answer does not satisfy the row's schema: {given.answer[:60]!r}")
    return replace(given, extra={**given.extra, "schema": schema})


def show_schema(row: Row) -> str:
    """Return the text below the row's schema, if it has one."""
    said = f"Answer in JSON by this schema: {row['schema']}" if row.get("schema") else "Answer in JSON."
    return f"{said}\n{row['question']}"


TASK = Task(
    description="an object in JSON for a text",
    question=("question", "text", "input", "document", "prompt"),
    answer=("answer", "json", "object", "output", "target"),
    extra=("schema",),
    check=check,
    styles={
        "plain": "{question}",
        "instruction": "Answer in JSON.\n{question}",
        "schema": Style(show_schema),
    },
    read=read_json,
    scores=[
        Score("exact_match", is_equal, "the value is the reference's", column="correct"),
        Score(
            "field_f1",
            field_f1,
            "F-measure of the (path, value) pairs of fields",
            kind="mean",
            label="field F1",
        ),
        Score("valid", is_valid, "there is JSON, and it satisfies the row's schema if there is one"),
    ],
    primary="exact_match",
    floors=(
        "floor_commonest_answer",
        "floor_random_solution",
        "floor_nearest_solution",
        "floor_echo",
        "floor_empty",
    ),
    comparison="json",
)
