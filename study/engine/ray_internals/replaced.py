"""Putting something of one's own in the place of a module's or a class's, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, own: Any) -> Iterator[None]:
    """Put `own` in the place of `owner`'s attribute for the length of the block."""
    theirs = getattr(owner, name)
    setattr(owner, name, own)
    try:
        yield
    finally:
        setattr(owner, name, theirs)
