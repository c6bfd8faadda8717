"""The results folder: the one place that builds its paths, and writes and reads its files.

    RESULTS/<study>/study.json, columns.json, trials/, predictions/, history/, models/, logs/, optuna.db,
    resume.journal (see `study.results.row_journal`), lock
    while it runs: checkpoints/, and candidates/ with the models that wait to be scored

A trial is finished when its row in trials/ can be read: that row is written last, after its predictions and
history.

RESULTS is a folder on a disk (see `study.results.place`) or an address, such as s3://bucket/studies: what is
not a table is then made in a scratch folder of the process, `root`, and brought to the address by `publish`,
from there by `fetch` (see `study.results.mirror`). On a disk there is nothing to bring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from study.errors import UserError
from study.results import row_files
from study.results.columns import encode_columns
from study.results.mirror import MirroredPlace
from study.results.object_store import is_address
from study.results.place import DiskPlace, Place
from study.results.row_files import Row
from study.results.row_journal import Notes
from study.results.schema import TABLES
from study.results.score_columns import NO_FIELDS, Fields

# Files that a thread reads before it asks for more.
MOST_AT_ONCE = 64


class ResultsFolder:
    """One study's folder. Creating the object touches nothing there; `create` makes the folder.

    Attributes:
        root: the folder itself; that of an address is the process's scratch, which goes away with the object.
        is_remote: whether the folder is at an address of an object store.

    Raises:
        UserError: it is an address where no object store can be.
    """

    def __init__(self, place: str | Path):
        self._said = str(place)
        self.is_remote = is_address(place)
        self._place: Place = MirroredPlace(str(place)) if self.is_remote else DiskPlace(Path(place))
        self.root = self._place.root

    def __str__(self) -> str:
        return self._said

    @property
    def address(self) -> str:
        """The folder's name for every process, whatever folder that runs in."""
        return self._place.address

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

    def describe_columns(self, scores: Fields = NO_FIELDS) -> None:
        """Write columns.json, unless it says already what this version writes."""
        path, ours = self.root / "columns.json", encode_columns(scores)
        try:
            if self._place.read(path) == ours:
                return
        except OSError:  # there is none yet
            pass
        self._place.write(path, ours)

    def wait_for_store(self) -> None:
        """From now on wait where the address can't be reached, as for room on a full disk."""
        self._place.wait()

    def place_of(self, path: Path) -> str:
        """Return what a person finds a file of `root` by: its path, or its address."""
        return self._place.shown(path)

    def publish(self, path: Path) -> None:
        """Bring a file or a folder of `root` to the address, and delete there what the folder has no more."""
        self._place.publish(path)

    def fetch(self, *paths: Path) -> None:
        """Bring the folders, or files, `paths` of `root` here from the address."""
        self._place.fetch(*paths)

    def check_seen(self) -> None:
        """Check that this machine sees the folder that another one has made.

        Raises:
            UserError: it doesn't.
        """
        self._place.check_seen()

    def in_use(self) -> AbstractContextManager[None]:
        """Keep a second run out of this folder for the length of the block.

        Raises:
            UserError: another run has the folder, or it can't be written.
        """
        return self._place.in_use()

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
        return self.log_path(trial_id).relative_to(self.root).as_posix()

    def checkpoints_path(self, trial_id: str) -> Path:
        """Return the folder of a trial's checkpoints, which is there only until the trial has finished."""
        return self.root / "checkpoints" / trial_id

    @property
    def candidates_path(self) -> Path:
        """The folder of the models that may yet become their arm's, each under its trial's id."""
        return self.root / "candidates"

    def candidates(self) -> list[str]:
        """Return the trials whose models wait there, if only in part at an address."""
        found = self._place.folder_names(self.candidates_path)
        return sorted(name for name in found if not name.startswith("."))

    def model_path(self, arm_slug: str) -> Path:
        """Return the folder of an arm's winner."""
        return self.root / "models" / arm_slug

    def write_table(self, table: str, trial_id: str, rows: Sequence[Row], scores: Fields = NO_FIELDS) -> None:
        """Write a trial's rows of `table`, whole or not at all; `scores` are the fields of its task's."""
        content = row_files.encode(table, rows, scores.get(table, ()))
        self._place.write(self.table_path(table, trial_id), content)

    def finish_trial(
        self,
        row: Row,
        predictions: Sequence[Row] = (),
        history: Sequence[Row] = (),
        scores: Fields = NO_FIELDS,
    ) -> None:
        """Write what a trial leaves behind; its row comes last and makes it finished."""
        trial_id = row["trial"]
        if predictions:
            self.write_table("predictions", trial_id, predictions, scores)
        if history:
            self.write_table("history", trial_id, history)
        self.write_table("trials", trial_id, [row], scores)
        self.remove(self.checkpoints_path(trial_id))

    def remove(self, path: Path) -> None:
        """Delete a folder of `root`, here and at the address; nothing where there is none."""
        self._place.remove(path)

    def forget_trial(self, trial_id: str) -> None:
        """Delete a trial's row: it is not finished any more."""
        self._place.delete(self.table_path("trials", trial_id))

    def read_trial(self, trial_id: str, columns: Sequence[str] | None = None) -> dict[str, Any] | None:
        """Return a finished trial's row, or None if there is none that can be read."""
        names = TABLES["trials"].names if columns is None else ["trial", *columns]
        content = self.read_content(trial_id)
        return None if content is None else row_files.read_row(content, trial_id, names)

    def read_trials(
        self, columns: Sequence[str] | None = None, notes: Notes | None = None
    ) -> list[dict[str, Any]]:
        """Return every finished trial's row, in the order of their ids, but none that can't be read.

        Args:
            columns: what to read, `trial` besides; of thousands of rows, a few columns take a third of the
                time. None for all. A column that a file of an older version lacks is null.
            notes: of these columns; a row of which there is one is not decoded again.
        """
        ids, names = self.trial_ids(), TABLES["trials"].names if columns is None else ["trial", *columns]
        # A thread takes several files at a time: to hand one out takes longer than to read it.
        size = max(1, min(MOST_AT_ONCE, len(ids) // (4 * self._place.readers)))
        parts = [ids[start : start + size] for start in range(0, len(ids), size)]
        read_part = partial(self._read_part, names=names, notes=notes)
        with ThreadPoolExecutor(self._place.readers) as readers:
            found = [*chain.from_iterable(readers.map(read_part, parts))]
        noted = [row for row in found if isinstance(row, dict)]
        decoded = row_files.to_rows([row for row in found if isinstance(row, pa.Table)], names)
        return sorted([*noted, *decoded], key=itemgetter("trial"))

    def read_content(self, trial_id: str) -> bytes | None:
        """Return the file of a trial's row, whatever it holds, or None if there is none."""
        try:
            return self._place.read(self.table_path("trials", trial_id))
        except OSError:
            return None

    def trial_ids(self, table: str = "trials") -> list[str]:
        """Return the ids of the trials that have a file in `table`, readable or not, in their order."""
        paths = map(Path, self._place.file_names(self.root / table))
        return sorted(path.stem for path in paths if path.suffix == ".parquet")

    def read_table(self, table: str, trial_id: str) -> pa.Table | None:
        """Return a trial's file in `table`, or None if there is none that can be read."""
        try:
            return row_files.decode(self._place.read(self.table_path(table, trial_id)))
        except (OSError, pa.ArrowException):
            return None

    def _read_part(
        self, ids: Sequence[str], names: Sequence[str], notes: Notes | None
    ) -> list[pa.Table | dict[str, Any] | None]:
        return [self._read_row(trial_id, names, notes) for trial_id in ids]

    def _read_row(
        self, trial_id: str, names: Sequence[str], notes: Notes | None
    ) -> pa.Table | dict[str, Any] | None:
        """Return a row as it was noted, or else as it is decoded; None: it can't be read."""
        try:
            content = self._place.read(self.table_path("trials", trial_id))
            noted = None if notes is None else notes.find(trial_id, content)
            return row_files.decode_row(content, trial_id, names) if noted is None else noted
        except (OSError, pa.ArrowException):
            return None

    def write_description(self, description: Mapping[str, Any]) -> None:
        """Write study.json."""
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        self._place.write(self.description_path, text.encode())

    def read_description(self) -> dict[str, Any]:
        """Return what study.json says.

        Raises:
            UserError: the folder has no study.json that can be read.
        """
        self._place.check()
        try:
            description = json.loads(self._place.read(self.description_path))
        except (OSError, ValueError, RecursionError):
            raise UserError(f"'{self}' is no results folder: it has no readable study.json") from None
        if not isinstance(description, dict):
            raise UserError(f"'{self}' is no results folder: its study.json holds no JSON object")
        return description
