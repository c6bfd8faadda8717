"""The results folder: the one place that builds its paths, and writes and reads its files.

    RESULTS/<study>/study.json, trials/, predictions/, history/, models/, logs/, optuna.db, lock
    while it runs: checkpoints/, and candidates/ with the models that wait to be scored

A file is written whole or not at all (temporary name, then rename; or the PUT of an object store), and is on
the disk before the next one is begun. A trial is finished when its row in trials/ can be read: that row is
written last, after its predictions and history.

RESULTS is a folder on a disk or an address, such as s3://bucket/studies. What is not a table is then made in
a scratch folder of the process, `root`, and brought to the address by `publish`, from there by `fetch`: logs
when their trial has ended, models and checkpoints when they are saved, optuna.db and the report at the end.
On a disk `root` is the folder itself, and there is nothing to bring.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import platform
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.errors import UserError
from study.machine.durable import replace
from study.results.lease import lease
from study.results.object_store import ObjectStore, is_address, join_address
from study.results.schema import STATUSES, TABLES
from study.workplace import available_cpus

Row = Mapping[str, Any]

# Threads that read rows from an object store, where each waits for its answer; from a disk, one a CPU.
READERS = 16


class ResultsFolder:
    """One study's folder. Creating the object touches nothing there; `create` makes the folder.

    Attributes:
        root: the folder itself; that of an address is the process's scratch, which goes away with the object.

    Raises:
        UserError: it is an address where no object store can be.
    """

    def __init__(self, place: str | Path):
        self._place = place
        self._store = ObjectStore(str(place)) if is_address(place) else None
        self._published: dict[str, tuple[int, int]] = {}
        if self._store is None:
            self.root = Path(place)
        else:
            self.root = Path(tempfile.mkdtemp(prefix="finetune-study-results-"))
            weakref.finalize(self, shutil.rmtree, self.root, ignore_errors=True)

    def __str__(self) -> str:
        return str(self._place)

    @property
    def is_remote(self) -> bool:
        """Whether the folder is at an address of an object store."""
        return self._store is not None

    @property
    def address(self) -> str:
        """The folder's name for every process, whatever folder that runs in."""
        return str(self._place) if self.is_remote else str(self.root.absolute())

    def create(self) -> None:
        """Make the folder and its sub-folders.

        Raises:
            UserError: the folder can't be written.
        """
        try:
            for name in (*TABLES, "logs", "models"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"results folder '{self}' can't be written: {error.strerror}") from None

    def wait_for_store(self) -> None:
        """From now on wait where the address can't be reached, as for room on a full disk."""
        if self._store is not None:
            self._store.waits = True

    def place_of(self, path: Path) -> str:
        """Return what a person finds a file of `root` by: its path, or its address."""
        return str(path) if self._store is None else join_address(str(self._place), self._name(path))

    def publish(self, path: Path) -> None:
        """Bring a file or a folder of `root` to the address, and delete there what the folder has no more.

        The newest file comes last: where one file says that the others are whole, it is written last.
        """
        if self._store is None or not path.exists():
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
        if self._store is None:
            return
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

    def check_seen(self) -> None:
        """Check that this machine sees the folder that another one has made.

        Raises:
            UserError: it doesn't.
        """
        if self._store is not None:
            self._store.check()
        elif not (self.root / "trials").is_dir():
            raise UserError(
                f"{platform.node()} does not see the results folder '{self}'; valid on a cluster: a "
                "path on a file system that every node shares, or an s3:// or gs:// address"
            )

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep a second run out of this folder for the length of the block.

        The kernel lets the lock go with the process, however it ends: a killed run leaves nothing behind.
        At an address, a lease stands for the lock (see `study.results.lease`).

        Raises:
            UserError: another run has the folder, or it can't be written.
        """
        if self._store is not None:
            with lease(ObjectStore(self.address)):  # one that does not wait: a late lease is none
                yield
            return
        try:
            lock = (self.root / "lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise UserError(f"results folder '{self}' can't be written: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise UserError(
                    f"results folder '{self}' is in use by {lock.read().strip() or 'another run'}; "
                    "wait for it to end, or stop it with Ctrl-C"
                ) from None
            except OSError as error:  # of network file systems not all know locks
                raise UserError(f"results folder '{self}' can't be locked: {error.strerror}") from None
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {platform.node()}\n")
            lock.flush()
            yield

    @property
    def description_path(self) -> Path:
        """study.json."""
        return self.root / "study.json"

    @property
    def optuna_path(self) -> Path:
        """optuna.db, as optuna-dashboard opens it."""
        return self.root / "optuna.db"

    def table_path(self, table: str, trial_id: str) -> Path:
        """Return the Parquet file of a trial in `table`: trials, predictions or history."""
        return self.root / table / f"{trial_id}.parquet"

    def log_path(self, trial_id: str) -> Path:
        """Return the log of a trial."""
        return self.root / "logs" / f"{trial_id}.log"

    def log_name(self, trial_id: str) -> str:
        """Return what a row calls the log of its trial: its path in the folder."""
        return self._name(self.log_path(trial_id))

    def checkpoints_path(self, trial_id: str) -> Path:
        """Return the folder of a trial's checkpoints, which is there only until the trial has finished."""
        return self.root / "checkpoints" / trial_id

    @property
    def candidates_path(self) -> Path:
        """The folder of the models that may yet become their arm's, each under its trial's id."""
        return self.root / "candidates"

    def candidates(self) -> list[str]:
        """Return the trials whose models wait there, if only in part at an address."""
        if self._store is None:
            found = (path.name for path in self.candidates_path.glob("*") if path.is_dir())
        else:
            names = self._store.files(self._name(self.candidates_path), recursive=True)
            found = (Path(name).parts[1] for name in names)
        return sorted({name for name in found if not name.startswith(".")})

    def model_path(self, arm_slug: str) -> Path:
        """Return the folder of an arm's winner."""
        return self.root / "models" / arm_slug

    def write_table(self, table: str, trial_id: str, rows: Sequence[Row]) -> None:
        """Write a trial's rows of `table`, whole or not at all."""
        schema = TABLES[table]
        columns = set(schema.names)
        for row in rows:
            if unknown := set(row) - columns:
                raise KeyError(f"{table} has no column {sorted(unknown)}")
        arrow = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
        content = io.BytesIO()
        pq.write_table(arrow, content, compression="zstd")
        self._write(self.table_path(table, trial_id), content.getvalue())

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file, whole or not at all."""
        if self._store is not None:
            self._store.write(self._name(path), content)
            return
        with _whole_or_not_at_all(path) as temporary:
            temporary.write_bytes(content)

    def _read(self, path: Path) -> bytes:
        if self._store is not None:
            return self._store.read(self._name(path))
        if path.exists() and not path.is_file():  # a pipe, which nobody writes to, say
            raise OSError(errno.EINVAL, "not a file", str(path))
        return path.read_bytes()

    def finish_trial(self, row: Row, predictions: Sequence[Row] = (), history: Sequence[Row] = ()) -> None:
        """Write what a trial leaves behind; its row comes last and makes it finished."""
        trial_id = row["trial"]
        if predictions:
            self.write_table("predictions", trial_id, predictions)
        if history:
            self.write_table("history", trial_id, history)
        self.write_table("trials", trial_id, [row])
        self.remove(self.checkpoints_path(trial_id))

    def remove(self, path: Path) -> None:
        """Delete a folder of `root`, here and at the address; nothing where there is none."""
        shutil.rmtree(path, ignore_errors=True)
        if self._store is not None:
            self._store.delete(list(self._store.files(self._name(path), recursive=True)))

    def forget_trial(self, trial_id: str) -> None:
        """Delete a trial's row: it is not finished any more."""
        path = self.table_path("trials", trial_id)
        if self._store is not None:
            self._store.delete([self._name(path)])
        else:
            path.unlink(missing_ok=True)

    def read_trial(self, trial_id: str, columns: Sequence[str] | None = None) -> dict[str, Any] | None:
        """Return a finished trial's row, or None if there is none that can be read."""
        found = self._read_rows([trial_id], columns)
        return found[0] if found else None

    def read_trials(self, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return every finished trial's row, in the order of their ids, but none that can't be read.

        Args:
            columns: what to read, `trial` besides; of thousands of rows, a few columns take a third of the
                time. None for all. A column that a file of an older version lacks is null.
        """
        return self._read_rows(self.trial_ids(), columns)

    def trial_ids(self, table: str = "trials") -> list[str]:
        """Return the ids of the trials that have a file in `table`, readable or not, in their order."""
        if self._store is None:
            paths: Iterable[Path] = (self.root / table).glob("*.parquet")
        else:
            paths = map(Path, self._store.files(table))
        return sorted(path.stem for path in paths if path.suffix == ".parquet")

    def read_table(self, table: str, trial_id: str) -> pa.Table | None:
        """Return a trial's file in `table`, or None if there is none that can be read."""
        try:
            return pq.read_table(pa.BufferReader(self._read(self.table_path(table, trial_id))))
        except (OSError, pa.ArrowException):
            return None

    def _read_rows(self, ids: Sequence[str], columns: Sequence[str] | None) -> list[dict[str, Any]]:
        names = TABLES["trials"].names if columns is None else ["trial", *columns]
        with ThreadPoolExecutor(available_cpus() if self._store is None else READERS) as readers:
            tables = [table for table in readers.map(lambda i: self._read_row(i, names), ids) if table]
        if not tables:
            return []
        # One conversion for all is faster than one for each.
        rows = pa.concat_tables(tables, promote_options="permissive").to_pylist()
        return [_with_mappings(dict.fromkeys(names) | row) for row in rows]

    def _read_row(self, trial_id: str, names: Sequence[str]) -> pa.Table | None:
        try:
            with pq.ParquetFile(pa.BufferReader(self._read(self.table_path("trials", trial_id)))) as file:
                table = _as_described(file.read(columns=list(names), use_threads=False))
        except (OSError, pa.ArrowException):
            return None
        finished = "trial" in table.column_names and table["trial"].to_pylist() == [trial_id]
        return table if finished and _is_whole(table) else None

    def write_description(self, description: Mapping[str, Any]) -> None:
        """Write study.json."""
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        self._write(self.description_path, text.encode())

    def read_description(self) -> dict[str, Any]:
        """Return what study.json says.

        Raises:
            UserError: the folder has no study.json that can be read.
        """
        if self._store is not None:
            self._store.check()
        try:
            description = json.loads(self._read(self.description_path))
        except (OSError, ValueError, RecursionError):
            raise UserError(f"'{self}' is no results folder: it has no readable study.json") from None
        if not isinstance(description, dict):
            raise UserError(f"'{self}' is no results folder: its study.json holds no JSON object")
        return description


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


def _as_described(table: pa.Table) -> pa.Table:
    """Return a trial's row with the column types of `study.results.schema`.

    Raises:
        pa.ArrowException: a column is of another kind.
    """
    fields = [_FIELDS.get(field.name, field) for field in table.schema]
    same = all(field.type == own.type for field, own in zip(fields, table.schema, strict=True))
    return table if same else table.cast(pa.schema(fields))


_FIELDS = {field.name: field for field in TABLES["trials"]}


def _is_whole(table: pa.Table) -> bool:
    """Tell whether a row holds what a study goes by, as far as its columns were read."""
    row = {name: table[name][0].as_py() for name in _GONE_BY if name in table.column_names}
    if row.get("status", "failed") not in STATUSES:
        return False
    try:
        return isinstance(json.loads(row.get("config_json") or "{}"), dict)
    except (ValueError, RecursionError):
        return False


_GONE_BY = ("status", "config_json")


def _with_mappings(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "missing": dict(row["missing"] or [])} if "missing" in row else row
