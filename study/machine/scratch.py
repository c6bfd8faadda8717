"""Where sockets go: their paths have 107 bytes at most, and not every TMPDIR leaves room for that."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study.errors import UserError
from study.machine.interruption import shielded

# Of the folder under which Ray makes session_<time>_<process>/sockets/<name>.
MOST_BYTES = 36
# Tried in this order where the user's own is too long, or can't be written.
_SHORT = ("/tmp", "/var/tmp", "/dev/shm")


def check_sockets() -> str | None:
    """Check that there is a folder for sockets; return a note for the user if it is not the one asked for.

    Raises:
        UserError: there is none.
    """
    if (why := _why_not_own()) is None:
        return None
    return f"Ray's own files go to '{_short_parent(why)}', for {why}"


@contextmanager
def socket_folder() -> Iterator[Path | None]:
    """Give Ray a folder that is short enough, and delete it at the end; None: its own will do.

    Raises:
        UserError: there is none.
    """
    if (why := _why_not_own()) is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="study-", dir=_short_parent(why)))
    try:
        yield folder
    finally:
        with shielded():
            shutil.rmtree(folder, ignore_errors=True)


def _why_not_own() -> str | None:
    """Return why Ray's own folder, by RAY_TMPDIR or TMPDIR, will not do; None if it will."""
    name = next((name for name in ("RAY_TMPDIR", "TMPDIR") if name in os.environ), None)
    parent = Path(os.environ[name] if name else "/tmp")
    if not parent.is_absolute():  # an empty one is no path at all
        return f"{name} must be a whole path, received '{os.environ[name or '']}'"
    if len(os.fsencode(parent.absolute() / "ray")) > MOST_BYTES:
        return f"the path in {name} is too long for sockets: '{parent}'"
    place = parent / "ray" if (parent / "ray").exists() else parent
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        return f"'{place}'{f', by {name},' if name else ''} can't be written"
    return None


def _short_parent(why: str) -> str:
    for place in _SHORT:
        if os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):
            return place
    raise UserError(f"{why}, and {', '.join(_SHORT)} can't be written; name a short folder in RAY_TMPDIR")
