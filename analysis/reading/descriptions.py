"""study.json as the analysis goes by it: what is of another kind than it should be is left aside and said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError

# More replicates, trials or seeds than any study has.
_MOST = 1_000_000
Leave = Callable[[str, str], None]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < 1e300 and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_any(value: Any) -> bool:
    return True


_WORDS = {_is_count: "a count", _is_number: "a number", _is_text: "a text", _is_flag: "true or false"}
# Every entry's shape: a test of the value, a list of one shape, or the shapes of an object's entries; ANY
# names the shape of those that are not named. In a tuple the second is that of schema 1.
ANY = "*"
_ARM = {
    "label": _is_text,
    "slug": _is_text,
    "factors": {ANY: _is_any},
    "values": {ANY: _is_any},
    "ranges": {ANY: ({"name": _is_text, "attributes": {ANY: _is_any}}, _is_text)},
    "guesses": [{ANY: _is_any}],
    "replicates": _is_count,
    "search_trials": _is_count,
    "confirm_seeds": (_is_count, [_is_number]),
}
_EXTENSION = {
    **dict.fromkeys(("replicates", "replicates_before", "confirm_seeds", "trials_before"), _is_count),
    **{"confirm_seeds_before": _is_count, "at": _is_text, "arms": [_is_text]},
}
_SCORE = {
    **dict.fromkeys(("name", "label", "column", "description", "kind", "unit"), _is_text),
    **dict.fromkeys(("low", "high"), _is_number),
    **dict.fromkeys(("lower_is_better", "is_aggregate"), _is_flag),
}
_TASK = {
    **dict.fromkeys(("name", "fingerprint", "description", "primary", "comparison"), _is_text),
    "is_labels": _is_flag,
    "labels": [_is_text],
    "scores": [_SCORE],
}
SHAPE = {
    "schema_version": _is_count,
    "task": _TASK,
    "study": _is_text,
    "space": {"name": _is_text, "question": _is_text},
    "profile": _is_text,
    "request": {ANY: _is_any},
    "seed": _is_number,
    "compared": [_is_text],
    "replicates": _is_count,
    "arms": [_ARM],
    "looks": {"replicates": [_is_count], "weights": [_is_number]},
    "looks_taken": [{"replicates": _is_count, "settled": _is_any, "stopped": {ANY: _is_text}}],
    "extensions": [_EXTENSION],
    "slots": _is_count,
    "machine": {ANY: _is_any},
    "versions": {ANY: _is_text},
    "commit": _is_text,
    "arguments": [_is_text],
    "started_at": _is_text,
    "finished_at": _is_text,
    "busy_share": _is_number,
}


def read_description(path: Path, leave: Leave) -> dict[str, Any]:
    """Return what a study.json says, as far as it is of the kinds of `SHAPE`.

    Args:
        leave: is called with the place and the reason of each thing that is left aside.

    Raises:
        AnalysisError: it can't be read, or holds no JSON object.
    """
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError
        reason = " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
        raise AnalysisError(f"'{path}' can't be read: {reason}") from None
    if not isinstance(description, dict):
        raise AnalysisError(f"'{path}' is no description of a study: it holds no JSON object")
    kept: dict[str, Any] = _keep(description, SHAPE, "", leave)
    if description.get("task") is not None and not (kept.get("task") or {}).get("name"):
        # By another task's scores the study would be judged in silence.
        raise AnalysisError(f"'{path}': task must be an object with the task's name")
    looks = kept.get("looks")
    if looks and not 0 < len(looks.get("replicates") or ()) == len(looks.get("weights") or ()):
        leave("looks", "must name as many replicates as weights; it is left aside")
        kept["looks"] = None
    return kept


def _keep(value: Any, shape: Any, place: str, leave: Leave) -> Any:
    """Return what of a value is of a shape; null where nothing is."""
    if value is None:
        return None
    if isinstance(shape, tuple):
        now, in_schema_1 = shape
        of_schema_1 = isinstance(value, list) if isinstance(in_schema_1, list) else isinstance(value, str)
        return _keep(value, in_schema_1 if of_schema_1 else now, place, leave)
    if isinstance(shape, Mapping) and isinstance(value, dict):
        shapes = {name: shape.get(name, shape.get(ANY, _is_any)) for name in value}
        return {
            name: _keep(own, shapes[name], f"{place}.{name}".lstrip("."), leave)
            for name, own in value.items()
        }
    if isinstance(shape, list) and isinstance(value, list):
        entries = [_keep(own, shape[0], f"{place}.{number}", leave) for number, own in enumerate(value)]
        return [entry for entry in entries if entry is not None]
    if callable(shape) and shape(value):
        return value
    leave(place, f"holds {_show(value)}, where {_name(shape)} is expected; it is left aside")
    return None


def _name(shape: Any) -> str:
    if isinstance(shape, Mapping):
        return "an object"
    return "a list" if isinstance(shape, Sequence) else _WORDS[shape]


def _show(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
