"""Where a results folder lies: on a disk, or (see `study.results.mirror`) at an address of an object store.

A file is written whole or not at all (temporary name, then rename; or the PUT of an object store), and is on
the disk before the next one is begun.
"""

from __future__ import annotations

import errno
import platform
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from study.errors import UserError
from study.machine.durable import replace
from study.results.lock import lock
from study.workplace import available_cpus


class Place(Protocol):
    """What a results folder asks of the place where it lies. Paths are those below `root`."""

    @property
    def root(self) -> Path:
        """The folder on this machine: the place itself, or a scratch whose files go to an address."""

    @property
    def address(self) -> str:
        """The place's name for every process, whatever folder that runs in."""

    @property
    def readers(self) -> int:
        """Threads that read many files at once soonest."""

    def shown(self, path: Path) -> str:
        """Return what a person finds a file by."""

    def wait(self) -> None:
        """From now on wait where the place can't be reached."""

    def check(self) -> None:
        """Raise `UserError` where the place can't be reached."""

    def check_seen(self) -> None:
        """Raise `UserError` where this machine does not see what another one has made."""

    def in_use(self) -> AbstractContextManager[None]:
        """Keep a second run out for the length of the block; raise `UserError` if another is in."""

    def read(self, path: Path) -> bytes:
        """Return a file's content; raise OSError where there is none."""

    def write(self, path: Path, content: bytes) -> None:
        """Write a file, whole or not at all."""

    def delete(self, path: Path) -> None:
        """Delete a file, if it is there."""

    def remove(self, path: Path) -> None:
        """Delete a folder, if it is there."""

    def file_names(self, path: Path) -> Sequence[str]:
        """Return the names of the files in a folder, which need not be there."""

    def folder_names(self, path: Path) -> set[str]:
        """Return the names of the folders in a folder, which need not be there."""

    def publish(self, path: Path) -> None:
        """Bring a file or a folder of `root` to the place."""

    def fetch(self, *paths: Path) -> None:
        """Bring files or folders of the place to `root`."""


class DiskPlace:
    """A folder on a disk: `root` is the place itself."""

    def __init__(self, root: Path):
        self.root = root

    @property
    def address(self) -> str:
        """The whole path."""
        return str(self.root.absolute())

    @property
    def readers(self) -> int:
        """One a CPU."""
        return available_cpus()

    def shown(self, path: Path) -> str:
        """Return the path."""
        return str(path)

    def wait(self) -> None:
        """Do nothing: who writes waits for room, see `study.machine.room`."""

    def check(self) -> None:
        """Do nothing: what is read or written next shows it."""

    def check_seen(self) -> None:
        """Check that this machine sees the folder that another one has made.

        Raises:
            UserError: it doesn't.
        """
        if not (self.root / "trials").is_dir():
            raise UserError(
                f"{platform.node()} does not see the results folder '{self.root}'; valid on a cluster: a "
                "path on a file system that every node shares, or an s3:// or gs:// address"
            )

    def in_use(self) -> AbstractContextManager[None]:
        """Keep a second run out for the length of the block, see `study.results.lock`."""
        return lock(self.root)

    def read(self, path: Path) -> bytes:
        """Return a file's content.

        Raises:
            OSError: there is none that can be read.
        """
        if path.exists() and not path.is_file():  # a pipe, which nobody writes to, say
            raise OSError(errno.EINVAL, "not a file", str(path))
        return path.read_bytes()

    def write(self, path: Path, content: bytes) -> None:
        """Write a file, whole or not at all."""
        with _whole_or_not_at_all(path) as temporary:
            temporary.write_bytes(content)

    def delete(self, path: Path) -> None:
        """Delete a file, if it is there."""
        path.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        """Delete a folder, if it is there."""
        shutil.rmtree(path, ignore_errors=True)

    def file_names(self, path: Path) -> Sequence[str]:
        """Return the names in a folder, which need not be there; they need not be files."""
        return [entry.name for entry in path.glob("*")]

    def folder_names(self, path: Path) -> set[str]:
        """Return the names of the folders in a folder, which need not be there."""
        return {entry.name for entry in path.glob("*") if entry.is_dir()}

    def publish(self, path: Path) -> None:
        """Do nothing: it is there."""

    def fetch(self, *paths: Path) -> None:
        """Do nothing: they are here."""


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; it takes the place of `path` at the end, or goes away."""
    # A leading dot keeps a half-written file out of every `*.parquet` glob.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield temporary
        replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
