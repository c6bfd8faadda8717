"""Files at an address of an object store, s3:// or gs:// (or abfs://), through pyarrow.fs.

A PUT is whole or not at all by itself. Credentials come from where the store's own tools take them
(environment, profile, the machine's role), never from the address, which is printed and recorded. An S3
server elsewhere is named by AWS_ENDPOINT_URL or in the address: `s3://bucket/studies?endpoint_override=URL`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pyarrow import fs

from study.errors import UserError
from study.machine.room import print_reason

Result = TypeVar("Result")

SCHEMES = ("s3", "gs", "abfs")
# Seconds between the attempts at an operation, each of them a few of the client's: a network may be away.
RETRY_SECONDS = (2.0, 10.0, 30.0)
TRANSFERS = 16


def is_address(place: str | Path) -> bool:
    """Tell whether a place is an address and not a path on a disk."""
    return isinstance(place, str) and "://" in place


def whole_place(place: str) -> str:
    """Return a place that means the same in every working directory."""
    return place if is_address(place) else str(Path(place).absolute())


def join_address(parent: str | Path, name: str) -> str:
    """Return the place called `name` in another, which is a path or an address."""
    if not is_address(parent):
        return str(Path(parent) / name)
    path, mark, query = str(parent).partition("?")
    return f"{path.rstrip('/')}/{name}{mark}{query}"


class ObjectStore:
    """The objects below one address; names are relative to it. Creating the object asks the store nothing.

    Every method raises UserError if the store can't be reached or refuses for a minute.

    Attributes:
        waits: every method waits instead, however long that takes: for a study that is under way.

    Raises:
        UserError: no object store is at such an address.
    """

    def __init__(self, address: str):
        self.address, self.waits = address, False
        scheme, _, rest = address.partition("://")
        if scheme not in SCHEMES:
            raise UserError(
                f"results must be a folder, or an address that begins with "
                f"{', '.join(f'{name}://' for name in SCHEMES)}; received '{scheme}://'"
            )
        if "@" in rest.partition("/")[0]:
            raise UserError(
                "a results address must not hold credentials, for it is printed and recorded; "
                "use the environment, such as AWS_ACCESS_KEY_ID"
            )
        try:
            self._files, base = fs.FileSystem.from_uri(address)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unusable(error) from None
        self._base = base.rstrip("/")

    def check(self) -> None:
        """Check, without writing anything, that the bucket is there and may be read: once, or until it is."""
        bucket = self._base.partition("/")[0]
        found = self._patiently(lambda: self._files.get_file_info(bucket).type, at_once=True)
        if found == fs.FileType.NotFound:
            raise UserError(f"results address '{self.address}' can't be used: there is no bucket '{bucket}'")

    def read(self, name: str) -> bytes:
        """Return an object.

        Raises:
            FileNotFoundError: there is none.
        """

        def read() -> bytes:
            with self._files.open_input_file(self._path(name)) as source:
                return bytes(source.read())

        return self._patiently(read)

    def write(self, name: str, content: bytes) -> None:
        """Write an object, whole or not at all."""

        def write() -> None:
            with self._files.open_output_stream(self._path(name)) as sink:
                sink.write(content)

        self._patiently(write)

    def files(self, folder: str, *, recursive: bool = False) -> dict[str, fs.FileInfo]:
        """Return name -> information of the objects in a folder, which need not exist."""
        selector = fs.FileSelector(self._path(folder), allow_not_found=True, recursive=recursive)
        found = self._patiently(lambda: self._files.get_file_info(selector))
        return {info.path.removeprefix(f"{self._base}/"): info for info in found if info.is_file}

    def upload(self, local: Path, name: str) -> None:
        """Write a local file, of any size, to an object."""

        def upload() -> None:
            with local.open("rb") as source, self._files.open_output_stream(self._path(name)) as sink:
                shutil.copyfileobj(source, sink, 8 << 20)

        self._patiently(upload)

    def download(self, names: list[str], root: Path) -> None:
        """Write objects to files of the same names below `root`, several at a time."""

        def download(name: str) -> None:
            local = root / name
            local.parent.mkdir(parents=True, exist_ok=True)
            with self._files.open_input_file(self._path(name)) as source, local.open("wb") as sink:
                shutil.copyfileobj(source, sink, 8 << 20)

        with ThreadPoolExecutor(TRANSFERS) as transfers:
            list(transfers.map(lambda name: self._patiently(partial(download, name)), names))

    def delete(self, names: list[str]) -> None:
        """Delete objects; those that are not there are deleted already."""

        def delete(name: str) -> None:
            with suppress(FileNotFoundError):
                self._files.delete_file(self._path(name))

        for name in names:
            self._patiently(partial(delete, name))

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _patiently(self, do: Callable[[], Result], *, at_once: bool = False) -> Result:
        pauses: Iterator[float] = iter(() if at_once else RETRY_SECONDS)
        if self.waits:
            pauses = chain(RETRY_SECONDS, repeat(RETRY_SECONDS[-1]))
        told = ""
        while True:
            try:
                return do()
            except FileNotFoundError:
                raise
            except (OSError, pa.ArrowException) as error:
                unusable = self._unusable(error)
            pause = next(pauses, None)
            if pause is None:
                raise unusable
            if self.waits and told != (told := str(unusable)):
                print_reason(f"waiting: {told}")
            time.sleep(pause)

    def _unusable(self, error: Exception) -> UserError:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return UserError(f"results address '{self.address}' can't be used: {first}")
