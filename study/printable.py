"""Text from data, files and models, made fit for a terminal: nothing of it moves the cursor."""

from __future__ import annotations

import re

# Control codes but for tab and line feed, half pairs, and the marks that turn the direction of writing.
_UNPRINTABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Return `text` with what a terminal would obey as Python writes it: `\\x1b`, `\\u202e`."""
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)
