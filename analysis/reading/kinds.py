"""The kind of value of each column, as `study.results.schema` has it: a file of other kinds is not read.

Written down here once more, since this package never imports `study`; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pyarrow as pa
from pyarrow import types

from analysis.reading.tasks import MATH, Task

_TEXT = [
    "trial",
    "study",
    "space",
    "profile",
    "arm",
    "stage",
    "status",
    "reason",
    "trace",
    "search_origin",
    "trained_by",
    "method",
    "quantization",
    "model",
    "variant",
    "prompt_style",
    "annotations",
    "template",
    "system",
    "task",
    "primary",
    "target_modules",
    "split",
    "log",
    "config_json",
    "source_model_fingerprint",
    "source_data_fingerprint",
    "source_code_fingerprint",
    "source_tokenizer_fingerprint",
    "source_commit",
    "source_versions",
    "source_machine",
    "source_device",
    "source_precision",
    "source_optimizer",
    "question_id",
    "question",
    "reference",
    "text",
    "reference_number",
    "group",
    "answer",
    "number",
    "outcome",
]
_WHOLE = [
    "replicate",
    "search_number",
    "rank",
    "batch_size",
    "max_steps",
    "second_rank",
    "second_max_steps",
    "seed",
    "shots",
    "questions",
    "trainable_parameters",
    "total_parameters",
    "train_steps",
    "planned_steps",
    "train_tokens",
    "generated_tokens",
    "peak_memory_bytes",
    "model_bytes",
    "train_questions",
    "code_rows",
    "without_program",
    "truncated_sources",
    "truncated_targets",
    "source_accumulation",
    "source_threads",
    "source_slots",
    "tokens",
    "phase",
    "step",
]
_NUMBER = [
    "alpha",
    "lora_dropout",
    "learning_rate",
    "warmup_fraction",
    "weight_decay",
    "epochs",
    "second_alpha",
    "second_learning_rate",
    "second_epochs",
    "score",
    "accuracy",
    "accuracy_strict",
    "accuracy_lenient",
    "accuracy_lm_eval_strict",
    "accuracy_lm_eval_flexible",
    "answered",
    "rouge1",
    "perplexity",
    "similarity",
    "search_score",
    "train_loss",
    "train_seconds",
    "train_compute_seconds",
    "evaluation_seconds",
    "generation_seconds",
    "busy_seconds",
    "source_gpu_share",
    "nll",
    "epoch",
    "loss",
    "grad_norm",
    "validation_loss",
    "seconds",
]
_NUMBERS = ["rung_losses", "rung_cutoffs"]
_TIME = ["started_at", "ended_at"]
_REASONS = ["missing"]
_TRUTH = [
    "correct",
    "correct_strict",
    "correct_lenient",
    "correct_lm_eval_strict",
    "correct_lm_eval_flexible",
]


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain)


def _is_number(kind: pa.DataType) -> bool:
    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def _is_numbers(kind: pa.DataType) -> bool:
    is_list = types.is_list(kind) or types.is_large_list(kind)
    return is_list and (_is_number(kind.value_type) or types.is_null(kind.value_type))


# What a column holds in words, what may be read as that, and the type that it is read as.
Kind = tuple[str, Callable[[pa.DataType], bool], pa.DataType]
_SHARE: Kind = ("true or false", types.is_boolean, pa.bool_())
_MEAN: Kind = ("numbers", _is_number, pa.float64())
_GROUPS: tuple[tuple[list[str], str, Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (_TEXT, "texts", _is_text, pa.string()),
    (_WHOLE, "whole numbers", _is_number, pa.int64()),
    (_NUMBER, *_MEAN),
    (_TRUTH, *_SHARE),
    (_NUMBERS, "lists of numbers", _is_numbers, pa.list_(pa.float64())),
    (_TIME, "times", types.is_timestamp, pa.timestamp("ms", tz="UTC")),
    (_REASONS, "texts by name", types.is_map, pa.map_(pa.string(), pa.string())),
)
KINDS = {name: (words, test, kind) for names, words, test, kind in _GROUPS for name in names}


def as_described(table: pa.Table, name: str = "", task: Task = MATH) -> tuple[pa.Table, list[str]]:
    """Return a table whose known columns have the types that they are described with, and what was amiss.

    A column that can't be read as that is null in it; so is a trial's score beyond its range.

    Args:
        table: the rows.
        name: which table they are of: "trials" and "predictions" have the task's scores.
        task: the study's.
    """
    amiss = []
    kinds = _kinds(name, task)
    for place, field in enumerate(table.schema):
        words, test, kind = kinds.get(field.name, ("", _is_text, field.type))
        column = table[place]
        if field.type != kind:
            column = _read_as(column, kind) if test(field.type) or types.is_null(field.type) else None
        if column is None:
            amiss.append(f"column {field.name} holds {field.type}, where {words} are expected")
        elif (why := _beyond(column, field.name, name, task)) is not None:
            amiss.append(why)
            column = None
        if column is None or field.type != kind:
            column = pa.nulls(table.num_rows, kind) if column is None else column
            table = table.set_column(place, field.with_type(kind), column)
    return table, amiss


def _kinds(name: str, task: Task) -> Mapping[str, Kind]:
    """Return the kinds of a table's columns: a score of the task may have the name of another's column."""
    if name == "trials":
        return {**KINDS, **{score.name: _MEAN for score in task.scores}}
    if name == "predictions":
        scores = {score.column: _SHARE if score.is_share else _MEAN for score in task.scores}
        return {**KINDS, **scores}
    return KINDS


def _beyond(column: pa.ChunkedArray, named: str, table: str, task: Task) -> str | None:
    """Return what a trial's score holds beyond its range, in words; None where nothing is."""
    if table != "trials":
        return None
    ranges = {score.name: score for score in task.scores}
    if named == "answered" and named not in ranges:
        low, high, unit = 0.0, 100.0, "%"
    elif (score := ranges.get(named)) is not None:
        low, high, unit = (_end(score.low, -1), _end(score.high, 1), score.measure.unit)
    else:
        return None
    # Rounding may take a mean past the end of its range.
    slack = 1e-9 * max((abs(end) for end in (low, high) if math.isfinite(end)), default=0.0)
    values = column.drop_null().to_pylist()
    found = next((value for value in values if not low - slack <= value <= high + slack), None)
    if found is None:
        return None
    shown = f" ({unit})" if unit else ""
    return f"column {named} holds {found:g}, where {low:g} to {high:g}{shown} are expected"


def _end(end: float | None, sign: int) -> float:
    return sign * math.inf if end is None else end


def _read_as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    try:
        return column.cast(kind)
    except pa.ArrowException:
        return None
