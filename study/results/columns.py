"""columns.json: what the columns of a folder's tables hold, once in the folder and not in each of its files.

{"schema_version": 2, "trials": {"accuracy": {"type": "double", "description": "%: ..."}, ...}, ...}
"""

from __future__ import annotations

import json
from typing import Any

from study.results.schema import SCHEMA_VERSION, TABLES
from study.results.score_columns import NO_FIELDS, Fields


def describe_columns(scores: Fields = NO_FIELDS) -> dict[str, Any]:
    """Return the schema's version, and table -> column -> its type and description.

    Args:
        scores: the fields of the task's scores.
    """
    tables = {
        table: {
            field.name: {"type": str(field.type), "description": field.metadata[b"description"].decode()}
            for field in (*schema, *scores.get(table, ()))
        }
        for table, schema in TABLES.items()
    }
    return {"schema_version": SCHEMA_VERSION, **tables}


def encode_columns(scores: Fields = NO_FIELDS) -> bytes:
    """Return the content of columns.json."""
    return (json.dumps(describe_columns(scores), indent=1, ensure_ascii=False) + "\n").encode()
