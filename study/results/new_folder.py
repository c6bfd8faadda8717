"""The folder of a new study: whether one can be made, and a name that no other study has."""

from __future__ import annotations

import os
import uuid
from datetime import datetime
from itertools import count
from pathlib import Path

from study.errors import UserError
from study.machine.interruption import check
from study.results.folder import ResultsFolder
from study.results.object_store import ObjectStore, is_address, join_address


def check_writable(parent: str | Path) -> None:
    """Check, without writing anything, that a folder can be made in or below `parent`.

    Of an address, that its bucket is there: whether it may be written, only writing shows.

    Raises:
        UserError: it can't.
    """
    if is_address(parent):
        ObjectStore(str(parent)).check()
        return
    try:
        existing = Path(parent).absolute()
        while not existing.exists():
            existing = existing.parent
    except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
        raise UserError(f"results folder '{parent}' can't be written: {error}") from None
    if not existing.is_dir():
        raise UserError(f"results folder '{parent}' can't be written: '{existing}' is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"results folder '{parent}' can't be written: no permission in '{existing}'")


def claim_folder(parent: str | Path, space: str) -> tuple[str, ResultsFolder]:
    """Make the folder of a new study of a space, named after it and the time; return its name and itself.

    Another study may begin in the same second: on a disk the folder that is made first is its maker's, and at
    an address, where nothing tells who was first, the name ends by chance.

    Raises:
        UserError: it can't be written.
        KeyboardInterrupt: the command was told to stop, and a library has kept that to itself.
    """
    check()
    name = f"{Path(space).stem}-{datetime.now():%Y%m%d-%H%M%S}"
    chance = f"{name}-{uuid.uuid4().hex[:4]}"
    name = chance if is_address(parent) else _make_first(Path(parent), name)
    folder = ResultsFolder(join_address(parent, name))
    folder.create()
    return name, folder


def _make_first(parent: Path, name: str) -> str:
    """Make a folder that was not there, called `name` or with a number behind it; return its name."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            numbered = name if number == 1 else f"{name}-{number}"
            try:
                (parent / numbered).mkdir()
                return numbered
            except FileExistsError:
                continue
    except OSError as error:
        raise UserError(f"results folder '{parent}' can't be written: {error.strerror}") from None
    raise AssertionError("count has no end")
