"""A results folder at an address, such as s3://bucket/studies, and the scratch here that mirrors part of it.

Tables and study.json are written to the address and read from there. What else a study makes is made in a
scratch folder of the process, `root`, and brought to the address by `publish`, from there by `fetch`: logs
when their trial has ended, models and checkpoints when they are saved, optuna.db and the report at the end.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from study.machine.scratch import make_scratch, remove_scratch
from study.results.lease import lease
from study.results.object_store import ObjectStore, join_address


class MirroredPlace:
    """An address; `root` is the process's scratch, which goes away with the object.

    Raises:
        UserError: no object store can be at such an address.
    """

    readers = 16  # each waits for the store's answer

    def __init__(self, address: str):
        self.address = address
        self._store = ObjectStore(address)
        self._published: dict[str, tuple[int, int]] = {}
        self.root = make_scratch("finetune-study-results")
        weakref.finalize(self, remove_scratch, self.root)

    def shown(self, path: Path) -> str:
        """Return the file's address."""
        return join_address(self.address, self._name(path))

    def wait(self) -> None:
        """From now on wait where the address can't be reached, as for room on a full disk."""
        self._store.waits = True

    def check(self) -> None:
        """Check that the bucket is there.

        Raises:
            UserError: it isn't.
        """
        self._store.check()

    def check_seen(self) -> None:
        """Check the same: every machine sees what is at an address."""
        self._store.check()

    def in_use(self) -> AbstractContextManager[None]:
        """Keep a second run out for the length of the block, see `study.results.lease`."""
        return lease(ObjectStore(self.address))  # one that does not wait: a late lease is none

    def read(self, path: Path) -> bytes:
        """Return an object's content.

        Raises:
            OSError: there is none.
        """
        return self._store.read(self._name(path))

    def write(self, path: Path, content: bytes) -> None:
        """Write an object, whole or not at all."""
        self._store.write(self._name(path), content)

    def delete(self, path: Path) -> None:
        """Delete an object, if it is there."""
        self._store.delete([self._name(path)])

    def remove(self, path: Path) -> None:
        """Delete a folder, here and at the address."""
        shutil.rmtree(path, ignore_errors=True)
        self._store.delete(list(self._store.files(self._name(path), recursive=True)))

    def file_names(self, path: Path) -> Sequence[str]:
        """Return the names of the objects in a folder."""
        return [Path(name).name for name in self._store.files(self._name(path))]

    def folder_names(self, path: Path) -> set[str]:
        """Return the names of the folders in a folder, of those too that are there only in part."""
        names = self._store.files(self._name(path), recursive=True)
        parts = [Path(name).relative_to(self._name(path)).parts for name in names]
        return {first for first, *rest in parts if rest}

    def publish(self, path: Path) -> None:
        """Bring a file or a folder of `root` to the address, and delete there what the folder has no more.

        The newest file comes last: where one file says that the others are whole, it is written last.
        """
        if not path.exists():
            return
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        local = {self._name(file): file.stat() for file in files}
        for name in sorted(local, key=lambda name: local[name].st_mtime_ns):
            state = (local[name].st_size, local[name].st_mtime_ns)
            if self._published.get(name) != state:
                self._store.upload(self.root / name, name)
                self._published[name] = state
        if path.is_dir():
            gone = sorted(self._store.files(self._name(path), recursive=True).keys() - local.keys())
            self._store.delete(gone)

    def fetch(self, *paths: Path) -> None:
        """Bring the folders, or files, `paths` of `root` here from the address."""
        for path in paths:
            name = self._name(path)
            found = list(self._store.files(name, recursive=True)) or [
                other for other in self._store.files(self._name(path.parent)) if other == name
            ]
            self._store.download(found, self.root)
            for file in found:
                state = (self.root / file).stat()
                self._published[file] = (state.st_size, state.st_mtime_ns)

    def _name(self, path: Path) -> str:
        name = path.relative_to(self.root).as_posix()
        return "" if name == "." else name
