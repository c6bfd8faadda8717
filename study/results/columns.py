"""columns.json: what the columns of a folder's tables hold, once in the folder and not in each of its files.

{"schema_version": 2, "trials": {"accuracy": {"type": "double", "description": "%: ..."}, ...}, ...}
"""

from __future__ import annotations

import json
from typing import Any

from study.results.schema import SCHEMA_VERSION, TABLES


def describe_columns() -> dict[str, Any]:
    """Return the schema's version, and table -> column -> its type and description."""
    tables = {
        table: {
            field.name: {"type": str(field.type), "description": field.metadata[b"description"].decode()}
            for field in schema
        }
        for table, schema in TABLES.items()
    }
    return {"schema_version": SCHEMA_VERSION, **tables}


def encode_columns() -> bytes:
    """Return the content of columns.json."""
    return (json.dumps(describe_columns(), indent=1, ensure_ascii=False) + "\n").encode()
