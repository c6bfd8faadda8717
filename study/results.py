"""The results folder: the one place that builds its paths, and writes and reads its files.

    RESULTS/<study>/study.json, trials/, predictions/, history/, models/, logs/, optuna.db, lock, checkpoints/

A file is written whole or not at all (temporary name, then rename). A trial is finished when its row
in trials/ can be read: that row is written last, after its predictions and history.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.errors import UserError
from study.schema import TABLES

Row = Mapping[str, Any]

# Threads that read rows: on a disk two keep two cores busy, from an object store each waits for its answer.
READERS = 16


class ResultsFolder:
    """One study's folder. Creating the object touches nothing; `create` makes the folder."""

    def __init__(self, root: str | Path):
        self.root = Path(root)

    def create(self) -> None:
        """Make the folder and its sub-folders.

        Raises:
            UserError: the folder can't be written.
        """
        try:
            for name in (*TABLES, "logs", "models"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"results folder '{self.root}' can't be written: {error.strerror}") from None

    def check_seen(self) -> None:
        """Check that this machine sees the folder that another one has made.

        Raises:
            UserError: it doesn't.
        """
        if not (self.root / "trials").is_dir():
            raise UserError(
                f"{platform.node()} does not see the results folder '{self.root}'; valid on a cluster: a "
                "path on a file system that every node shares"
            )

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep a second run out of this folder for the length of the block.

        The kernel lets the lock go with the process, however it ends: a killed run leaves nothing behind.

        Raises:
            UserError: another run has the folder, or it can't be written.
        """
        try:
            lock = (self.root / "lock").open("a+")
        except OSError as error:
            raise UserError(f"results folder '{self.root}' can't be written: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise UserError(
                    f"results folder '{self.root}' is in use by {lock.read().strip() or 'another run'}; "
                    "wait for it to end, or stop it with Ctrl-C"
                ) from None
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

    def checkpoints_path(self, trial_id: str) -> Path:
        """Return the folder of a trial's checkpoints, which is there only until the trial has finished."""
        return self.root / "checkpoints" / trial_id

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
        with _whole_or_not_at_all(self.table_path(table, trial_id)) as temporary:
            pq.write_table(arrow, temporary, compression="zstd")

    def finish_trial(self, row: Row, predictions: Sequence[Row] = (), history: Sequence[Row] = ()) -> None:
        """Write what a trial leaves behind; its row comes last and makes it finished."""
        trial_id = row["trial"]
        if predictions:
            self.write_table("predictions", trial_id, predictions)
        if history:
            self.write_table("history", trial_id, history)
        self.write_table("trials", trial_id, [row])
        shutil.rmtree(self.checkpoints_path(trial_id), ignore_errors=True)

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
        ids = sorted(path.stem for path in (self.root / "trials").glob("*.parquet"))
        return self._read_rows(ids, columns)

    def _read_rows(self, ids: Sequence[str], columns: Sequence[str] | None) -> list[dict[str, Any]]:
        names = TABLES["trials"].names if columns is None else ["trial", *columns]
        with ThreadPoolExecutor(READERS) as readers:
            tables = [table for table in readers.map(lambda i: self._read_row(i, names), ids) if table]
        if not tables:
            return []
        # One conversion for all is faster than one for each.
        rows = pa.concat_tables(tables, promote_options="permissive").to_pylist()
        return [_with_mappings(dict.fromkeys(names) | row) for row in rows]

    def _read_row(self, trial_id: str, names: Sequence[str]) -> pa.Table | None:
        try:
            with pq.ParquetFile(pa.BufferReader(self.table_path("trials", trial_id).read_bytes())) as file:
                table = file.read(columns=list(names), use_threads=False)
        except (OSError, pa.ArrowInvalid):
            return None
        finished = "trial" in table.column_names and table["trial"].to_pylist() == [trial_id]
        return table if finished else None

    def write_description(self, description: Mapping[str, Any]) -> None:
        """Write study.json."""
        with _whole_or_not_at_all(self.description_path) as temporary:
            temporary.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")

    def read_description(self) -> dict[str, Any]:
        """Return what study.json says.

        Raises:
            UserError: the folder has no study.json that can be read.
        """
        try:
            description: dict[str, Any] = json.loads(self.description_path.read_text())
        except (OSError, json.JSONDecodeError):
            raise UserError(f"'{self.root}' is no results folder: it has no readable study.json") from None
        return description


def check_writable(parent: Path) -> None:
    """Check, without writing anything, that a folder can be made in or below `parent`.

    Raises:
        UserError: it can't.
    """
    existing = parent.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise UserError(f"results folder '{parent}' can't be written: '{existing}' is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"results folder '{parent}' can't be written: no permission in '{existing}'")


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; it takes the place of `path` at the end, or goes away."""
    # A leading dot keeps a half-written file out of every `*.parquet` glob.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _with_mappings(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "missing": dict(row["missing"] or [])} if "missing" in row else row
