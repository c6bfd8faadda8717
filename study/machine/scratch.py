"""Scratch folders: they go with the process that made them, and if that is killed, with the next start.

A process holds a lock on each of its folders, which the kernel lets go with it, however it ends: a folder
that can be locked is nobody's, though children of a process that was killed may live on in it for seconds.
Its name says under which boot of which kernel it was made, for on a TMPDIR that machines share, the locks of
another kernel need not be seen here: what it made counts as in use.

Sockets need a short one: their paths have 107 bytes at most, and not every TMPDIR leaves room for that.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from study.errors import UserError
from study.machine.interruption import shielded

# Of the folder under which Ray makes session_<time>_<process>/sockets/<name>.
MOST_BYTES = 36
# Tried in this order where the user's own is too long, or can't be written.
_SHORT = ("/tmp", "/var/tmp", "/dev/shm")

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_UNKNOWN = "unknown"  # in a name that is never swept
_OURS = re.compile(r"(finetune-study-[a-z]+|study)-(?P<boot>[0-9a-f]{8})-[0-9a-f]{8}")

# Folder -> the process that made it, and the descriptor that holds its lock there.
_held: dict[Path, tuple[int, int]] = {}


def make_scratch(prefix: str, parent: str | Path | None = None) -> Path:
    """Make a folder that the user alone can read, in TMPDIR or in `parent`; remove it with `remove_scratch`.

    Those there that killed processes have left go first.
    """
    parent = Path(parent or tempfile.gettempdir())
    sweep(parent)
    # Under a name that nobody sweeps, until it is locked.
    made = Path(tempfile.mkdtemp(prefix=".study-", dir=parent))
    descriptor, boot = os.open(made, os.O_RDONLY), _boot()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # of network file systems not all know locks
        boot = _UNKNOWN
    folder = parent / f"{prefix}-{boot}-{uuid.uuid4().hex[:8]}"
    assert boot == _UNKNOWN or _OURS.fullmatch(folder.name), "no name that the next start would sweep"
    made.rename(folder)
    _held[folder] = os.getpid(), descriptor
    return folder


def remove_scratch(folder: Path) -> None:
    """Delete a folder of `make_scratch`; a process forked from its maker leaves it alone."""
    if (held := _held.pop(folder, None)) is None:
        return
    maker, descriptor = held
    if maker == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


@contextmanager
def scratch(prefix: str, parent: str | Path | None = None) -> Iterator[Path]:
    """Give a folder of `make_scratch` for the length of the block."""
    folder = make_scratch(prefix, parent)
    try:
        yield folder
    finally:
        with shielded():
            remove_scratch(folder)


@functools.cache  # once in a process
def sweep(parent: Path) -> None:
    """Delete the user's scratch folders in `parent` whose process is gone for sure."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            name = _OURS.fullmatch(entry.name)
            if name and name["boot"] == _boot():
                _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if os.fstat(descriptor).st_uid == os.getuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # its process is there, or nobody can tell
        pass
    finally:
        os.close(descriptor)


@functools.cache
def _boot() -> str:
    """Return what tells this boot of this kernel from every other."""
    try:
        return _BOOT.read_text(encoding="ascii")[:8]
    except OSError:
        return _UNKNOWN


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
    with scratch("study", _short_parent(why)) as folder:
        yield folder


@contextmanager
def short_scratch() -> Iterator[Path]:
    """Give a folder of `make_scratch` whose path leaves room for a socket, for the length of the block.

    Raises:
        UserError: there is none.
    """
    own = tempfile.gettempdir()
    short = own if len(os.fsencode(own)) <= MOST_BYTES else _short_parent(f"'{own}' is too long for sockets")
    with scratch("study", short) as folder:
        yield folder


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
