"""What a cell holds as JSON text: its numbers are numbers, as they stood in the file."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

_MOST_DIGITS = 4000  # more of them Python makes no number of


def json_text(value: Any, *, sort_keys: bool = False) -> str:
    """Return a cell's value as JSON text; what JSON doesn't know, a date, as a text in it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=sort_keys, default=_known)


def _known(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return str(value)
    text = str(value)
    if text.lstrip("-").isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    return float(text) if math.isfinite(float(text)) else text
