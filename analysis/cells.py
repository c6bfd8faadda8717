"""Cells of CSV as spreadsheets read them: a text that begins with = or its like would be run as a formula."""

from __future__ import annotations

import re
from typing import Any

# What spreadsheets take for the begin of a formula, or drop before looking for one; the wide forms too.
_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def plain_cell(value: Any) -> Any:
    """Return a value for a CSV cell: a text that a spreadsheet would run gets an apostrophe before it.

    Numbers, and texts that are numbers, stay as they are.
    """
    if not isinstance(value, str) or not value.startswith(_BEGINS) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"
