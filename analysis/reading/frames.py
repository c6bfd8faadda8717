"""The results as frames: `analysis.load` gives every trial, prediction and history row as Arrow tables.

import analysis
results = analysis.load("RESULTS")
results.trials.to_pandas()        # one row a trial; its columns: results.trials.schema
results.predictions.to_pandas()   # one row an answered question of a trial
results.history.to_pandas()       # one row a log step
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from analysis.reading.folders import Exclusion, Study, open_studies
from analysis.reading.kinds import KINDS


@dataclass(frozen=True)
class Frames:
    """The rows of one or more studies, read when they are asked for.

    The columns are those of the Parquet files; each field's metadata has its `description`, with the unit,
    from the folder's columns.json (of an older folder: from the files). `folder` is added: the name of the
    results folder, for a trial that several hold.
    """

    studies: list[Study]

    @cached_property
    def trials(self) -> pa.Table:
        """One row a trial."""
        return self._read("trials")

    @cached_property
    def predictions(self) -> pa.Table:
        """One row a question of a trial."""
        return self._read("predictions")

    @cached_property
    def history(self) -> pa.Table:
        """One row a log step of a trial."""
        return self._read("history")

    @property
    def exclusions(self) -> list[Exclusion]:
        """The files that were left out, and why."""
        return [exclusion for study in self.studies for exclusion in study.exclusions]

    def _read(self, table: str) -> pa.Table:
        parts = [part for study in self.studies for part in _read_study(study, table)]
        if not parts:
            return pa.table({"trial": pa.array([], pa.string()), "folder": pa.array([], pa.string())})
        return pa.concat_tables(_without_disputed(_with_numbers(parts)), promote_options="permissive")


def _with_numbers(parts: list[pa.Table]) -> list[pa.Table]:
    """Return tables whose true and false are 1 and 0 where another task has numbers in that column."""
    numbers = {field.name for part in parts for field in part.schema if pa.types.is_floating(field.type)}

    def cast(field: pa.Field) -> pa.Field:
        is_share = field.name in numbers and pa.types.is_boolean(field.type)
        return field.with_type(pa.float64()) if is_share else field

    return [part.cast(pa.schema(map(cast, part.schema), metadata=part.schema.metadata)) for part in parts]


def _without_disputed(parts: list[pa.Table]) -> list[pa.Table]:
    """Return tables without the columns of somebody else's that are of several types and can't be one."""
    kinds: dict[str, set[pa.DataType]] = {}
    for field in (field for part in parts for field in part.schema):
        kinds.setdefault(field.name, set()).add(field.type)
    disputed = {name for name, own in kinds.items() if name not in KINDS and len(own - {pa.null()}) > 1}
    return [part.drop_columns([n for n in part.column_names if n in disputed]) for part in parts]


def _read_study(study: Study, table: str) -> Iterator[pa.Table]:
    descriptions = _read_descriptions(study, table)
    for row in study.trials:
        # A trial that failed has no predictions, and what a search lacks is counted: no exclusion here.
        scored = table == "predictions" and row.get("status") == "complete" and row.get("questions")
        due = scored and row.get("stage") != "search"
        part = study.read_whole(table, row["trial"]) if due or study.has(table, row["trial"]) else None
        if part is not None:
            part = _described(part, descriptions)
            yield part.append_column("folder", pa.repeat(study.root.name, part.num_rows))


def _read_descriptions(study: Study, table: str) -> Mapping[str, str]:
    """Return column -> description by columns.json, which an older folder has not: its files have them."""
    path = study.root / "columns.json"
    if not path.exists():
        return {}
    try:
        if not path.is_file():  # a pipe, which nobody writes to, say
            raise ValueError
        columns = json.loads(path.read_bytes())[table]
        return {name: str(about["description"]) for name, about in columns.items()}
    except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        study.exclude(f"{study.root.name}/columns.json", "describes no columns")
        return {}


def _described(table: pa.Table, descriptions: Mapping[str, str]) -> pa.Table:
    """Return the table with those descriptions, but where its file has its own: of its own version."""
    fields = [
        field.with_metadata({**(field.metadata or {}), b"description": descriptions[field.name]})
        if field.name in descriptions and b"description" not in (field.metadata or {})
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def load(*paths: str | Path) -> Frames:
    """Return the rows of the studies in `paths`: each a study's folder, or a parent of several.

    Raises:
        AnalysisError: a path is no folder, or holds no study.
    """
    return Frames(open_studies(paths))
