"""What a resume asks of each trial's row, beside the digest of the row's file: resume.journal.

A study has thousands of rows, each a Parquet file of its own, which takes a millisecond and more to decode
and a twentieth of that to read. So the driver notes what it has read of each. A note holds for a file of its
digest alone, wherever that is copied to and whatever has befallen it since: a row that was deleted, damaged
or written anew has no note, and a note that was cut off or spoilt is none. The rows are what counts: without
this file they are decoded, one after another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

NAME = "resume.journal"
_DIGEST_BYTES = 16


class Notes:
    """The notes on the rows of a results folder, as they are when this is made.

    Args:
        root: the folder.
        names: the columns that are asked for; a note of others, of another version, is none.
    """

    def __init__(self, root: Path, names: Sequence[str]):
        self._names = list(names)
        # A line is the trial, the digest of its row's file, that of the note, and the note.
        parts = [line.split(b" ", 3) for line in _lines(root / NAME)]
        self._notes = {(part[0], part[1]): part[2:] for part in parts if len(part) == 4}

    @property
    def trials(self) -> set[str]:
        """The trials of which there is a note, of whatever file."""
        return {trial.decode(errors="replace") for trial, _ in self._notes}

    def find(self, trial_id: str, content: bytes) -> dict[str, Any] | None:
        """Return the row that was read of a trial's file with this content; None: there is no note of it."""
        own, text = self._notes.get((trial_id.encode(), _digest(content)), (b"", b""))
        if own != _digest(text):
            return None
        row: dict[str, Any] = json.loads(text)
        return row if list(row) == self._names else None


def add_notes(root: Path, names: Sequence[str], read: Iterable[tuple[bytes, Row]]) -> None:
    """Note the columns `names` of rows, given with their files' contents; nothing where there is no room."""
    path = root / NAME
    lines = [_line(content, {name: row[name] for name in names}) for content, row in read]
    with suppress(OSError):
        if lines and (path.is_file() or not path.exists()):
            with path.open("ab") as journal:
                journal.write(b"".join(lines))


def _line(content: bytes, row: Row) -> bytes:
    text = json.dumps(row, separators=(",", ":")).encode()
    # The line before may have been cut off.
    return b"\n" + b" ".join((row["trial"].encode(), _digest(content), _digest(text), text))


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines() if path.is_file() else []
    except OSError:
        return []


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest().encode()
