"""The project's exceptions: bad input, told to the user in one line, and how a training may end early."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Input that can't be used. The message is one line: the rule, what was received, what is valid."""


class Diverged(Exception):
    """A training's loss is not a number any more, or has exploded; the message says at which step."""


class RayLost(Exception):
    """Ray could not be started, or has died, so that no trial can run; the message is one line."""


class StudyFailed(Exception):
    """Trials fail and no training finishes, so that no more are run; the message is one line."""


class Pruned(Exception):
    """Early stopping ends a search trial; the message says at which step, and by what."""


def unknown_name(kind: str, received: str, valid: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the valid ones, with the nearest of them first."""
    names = sorted(valid)
    nearest = difflib.get_close_matches(received, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
    return UserError(f"unknown {kind} '{received}': {hint}valid: {', '.join(names) or 'none'}")
