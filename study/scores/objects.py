"""Scores of answers in JSON: valid, right, right field by field. Predictions are what `read_json` returns."""

from __future__ import annotations

from study.scores.json_schemas import satisfies
from study.scores.json_values import canonical, leaves, parse_json
from study.tasks.task import Row


def is_valid(prediction: str | None, reference: str, row: Row) -> bool:
    """Tell whether the answer is JSON and satisfies the row's schema, if it has one."""
    if prediction is None:
        return False
    schema = row.get("schema")
    return schema is None or satisfies(parse_json(prediction), schema)


def is_equal(prediction: str | None, reference: str, row: Row) -> bool:
    """Tell whether the answer is the reference's value, in whatever order its keys stand."""
    return prediction is not None and prediction == canonical(parse_json(reference))


def field_f1(prediction: str | None, reference: str, row: Row) -> float:
    """Return the F-measure of the (path, value) pairs of answer and reference, in %."""
    if prediction is None:
        return 0.0
    said, right = leaves(parse_json(prediction)), leaves(parse_json(reference))
    return 200.0 * len(said & right) / (len(said) + len(right))
