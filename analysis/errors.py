"""The one exception that a user sees: input that can't be used, told in a single line, exit status 2."""

from __future__ import annotations


class AnalysisError(Exception):
    """Input that can't be used. The message is one line: the rule, what was received, where to look."""
