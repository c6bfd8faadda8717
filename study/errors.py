"""The one exception that a user sees: bad input, told in a single line, exit status 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Input that can't be used. The message is one line: the rule, what was received, what is valid."""


def unknown_name(kind: str, received: str, valid: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the valid ones, with the nearest of them first."""
    names = sorted(valid)
    nearest = difflib.get_close_matches(received, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    return UserError(f"unknown {kind} '{received}': {hint}valid: {', '.join(names) or 'none'}")
