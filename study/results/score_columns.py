"""The columns of a task's scores, beside those of `study.results.schema`: of trials and of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from study.results.schema import TABLES
from study.tasks import Aggregate, Score, Task

Fields = Mapping[str, Sequence[pa.Field]]
NO_FIELDS: Fields = {}


def score_fields(task: Task) -> Fields:
    """Return table -> the fields of the task's scores that are not the schema's own anyway."""
    named = {
        "trials": [_field(score.name, pa.float64(), _of_a_trial(score)) for score in task.scores],
        "predictions": [
            _field(score.column or score.name, _kind(score), _of_a_question(score)) for score in task.scores
        ],
    }
    return {
        table: [field for field in fields if field.name not in TABLES[table].names]
        for table, fields in named.items()
    }


def _field(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": description})


def _kind(score: Score) -> pa.DataType:
    return pa.bool_() if score.kind == "share" else pa.float64()


def _of_a_trial(score: Score) -> str:
    unit = "%" if score.kind == "share" else score.unit or "no unit"
    return f"{unit}: {score.description}"


def _of_a_question(score: Score) -> str:
    if isinstance(score.of, Aggregate):
        return f"jackknife values, whose mean over the split is the trial's: {score.description}"
    return score.description
