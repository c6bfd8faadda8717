"""JSON schemas of rows: checked before a study, and held against what a model writes.

No schema is fetched: a reference to another document is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from study.scores.json_values import canonical, parse_json


def read_schema(schema: Any) -> str:
    """Return a schema, which is JSON or its text, as canonical text.

    Raises:
        ValueError: it is no JSON schema that can be used; the message says why.
    """
    text = canonical(parse_json(schema) if isinstance(schema, str) else schema)
    _validator(text)
    return text


def satisfies(value: Any, schema: str) -> bool:
    """Tell whether a value is what a schema, which `read_schema` returned, asks for."""
    return bool(_validator(schema).is_valid(value))


@lru_cache(maxsize=256)
def _validator(text: str) -> Any:
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    schema = parse_json(text)
    if not isinstance(schema, dict | bool):
        raise ValueError(f"a schema is an object, true or false, received {text[:60]}")
    if isinstance(schema, dict) and not isinstance(schema.get("$schema", ""), str):
        raise ValueError("its '$schema' is no text")
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"{error.message[:100]} at {error.json_path}") from None
    if isinstance(schema, dict):
        _check_references(schema)
    return kind(schema, registry=Registry())


def _check_references(schema: dict[str, Any]) -> None:
    """Check that a schema refers to its own parts alone, and to those that are there."""
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry().resolver_with_root(Resource.from_contents(schema, DRAFT202012))
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise ValueError(f"it refers to another document, {reference!r:.60}")
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise ValueError(f"nothing stands at {reference!r:.60}") from None


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, part in schema.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(part, str):
                yield part
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)
