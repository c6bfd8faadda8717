"""Reading results folders: study.json and the Parquet files, and a count of what could not be used.

Nothing is written and nothing is cached, so a folder may be read-only, or still be growing. Columns are
read by name, and those that are absent are null: an older or a newer study reads as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.counts import count_of
from analysis.errors import AnalysisError
from analysis.reading.descriptions import read_description
from analysis.reading.kinds import as_described
from analysis.reading.tasks import Task, read_task

# The version of `study.results.schema` that this package understands; it never imports `study`.
SCHEMA_VERSION = 2
VERSION_KEY = b"study_schema_version"
READERS = 4

Row = dict[str, Any]


@dataclass(frozen=True)
class Exclusion:
    """A file or a trial that was left out, and why."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass
class Study:
    """One study's folder: its description, its trials' rows, and what was left out."""

    root: Path
    description: Row
    trials: list[Row] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The study's name, as study.json has it."""
        return str(self.description.get("study") or self.root.name)

    @property
    def space(self) -> Row:
        """The search space: its name and its question."""
        space = self.description.get("space")
        return space if isinstance(space, dict) else {"name": space}

    @cached_property
    def task(self) -> Task:
        """The task: by which score the study goes, and what else it measures.

        Raises:
            AnalysisError: study.json names one, and doesn't say that.
        """
        return read_task(self.description.get("task"), str(self.root / "study.json"))

    @property
    def profile(self) -> str:
        """The profile: embedded or paper."""
        return str(self.description.get("profile") or "")

    @property
    def arms(self) -> list[Row]:
        """The arms as they were planned, in their order."""
        return [arm for arm in self.description.get("arms") or [] if isinstance(arm, dict)]

    @property
    def is_running(self) -> bool:
        """Whether the study had not ended when its description was written."""
        return not self.description.get("finished_at")

    def has(self, table: str, trial: str) -> bool:
        """Say whether the trial has a file in `table` that was not left out."""
        return self._path(table, trial).is_file()

    def read(self, table: str, trial: str, columns: Sequence[str]) -> pa.Table | None:
        """Return columns of a trial's file in `table`; None, and an exclusion, where it can't be read.

        A column that the file lacks is null.
        """
        return self.read_many(table, [trial], columns)[0]

    def read_many(self, table: str, trials: Sequence[str], columns: Sequence[str]) -> list[pa.Table | None]:
        """Return the same as `read` for each of `trials`, several at a time."""
        found = self._read([self._path(table, trial) for trial in trials], columns)
        return [None if one is None else _with_columns(one, columns) for one in found]

    def read_whole(self, table: str, trial: str) -> pa.Table | None:
        """Return a trial's file in `table`, whole; None, and an exclusion, where it can't be read."""
        return self._read([self._path(table, trial)], None)[0]

    def _read(self, paths: Sequence[Path], columns: Sequence[str] | None) -> list[pa.Table | None]:
        with ThreadPoolExecutor(READERS) as pool:
            found = list(pool.map(lambda path: _read_file(path, columns), paths))
        # What was left out is noted here, in the order of the paths: threads end in any order.
        return [self._take(path, read) for path, read in zip(paths, found, strict=True)]

    def _take(self, path: Path, read: pa.Table | str) -> pa.Table | None:
        """Return what was read of a file, or None and an exclusion."""
        if isinstance(read, str):
            self._exclude(path, read)
            return None
        table, amiss = as_described(read, path.parent.name, self.task)
        if amiss:
            self._exclude(path, "; ".join(amiss))
        # A trial lacks such a column; of an answer, which is nothing without its columns, no use is made.
        return None if amiss and path.parent.name != "trials" else table

    def _path(self, table: str, trial: str) -> Path:
        return self.root / table / f"{trial}.parquet"

    def _exclude(self, path: Path, reason: str) -> None:
        self.exclude(str(path.relative_to(self.root.parent)), reason)

    def exclude_file(self, table: str, trial: str, reason: str) -> None:
        """Note that a trial's file in `table` was left out; once."""
        self._exclude(self._path(table, trial), reason)

    def exclude(self, what: str, reason: str) -> None:
        """Note that a file or a trial was left out; once."""
        exclusion = Exclusion(what, reason)
        if exclusion not in self.exclusions:
            self.exclusions.append(exclusion)

    def read_trials(self) -> None:
        """Read every trial's row; a file that can't be read becomes an exclusion."""
        paths = sorted((self.root / "trials").glob("*.parquet"))
        tables = zip(paths, self._read(paths, None), strict=True)
        self.trials += _to_rows([table for path, table in tables if self._is_trial(path, table)])
        complete = [row for row in self.trials if row.get("status") == "complete"]
        searched = [row for row in complete if row.get("stage") == "search" and row.get("questions")]
        self._note_missing("predictions", searched, "search trials")
        self._note_missing("history", [row for row in complete if row.get("train_steps")], "trainings")

    def _note_missing(self, table: str, rows: Sequence[Row], what: str) -> None:
        """Note how many rows lack their file in `table`. Scores are missed where they are read."""
        there = {path.stem for path in (self.root / table).glob("*.parquet")}
        gone = sum(row["trial"] not in there for row in rows)
        if gone:
            self.exclude(
                f"{self.root.name}/{table}",
                f"missing for {gone} of {len(rows)} {what}: "
                "deleted, or the folder was copied while the study ran",
            )

    def _is_trial(self, path: Path, table: pa.Table | None) -> bool:
        if table is None:
            return False
        ids = table["trial"].to_pylist() if "trial" in table.column_names else []
        if ids != [path.stem]:
            self._exclude(path, f"holds {count_of(table.num_rows, 'row')}, not the one row of its trial")
        return ids == [path.stem]


def _to_rows(tables: Sequence[pa.Table]) -> list[Row]:
    try:
        # One conversion for all, of whole columns, is ten times faster than one for each.
        together = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
        return together.combine_chunks().to_pylist()
    except pa.ArrowException:
        return [row for table in tables for row in table.to_pylist()]


def _read_file(path: Path, columns: Sequence[str] | None) -> pa.Table | str:
    """Return a Parquet file's columns, those that it has; or why it can't be read."""
    try:
        if path.exists() and not path.is_file():
            return "not a file"  # a pipe, which nobody writes to, say
        with pq.ParquetFile(path) as file:
            _check_version(file)
            present = set(file.schema_arrow.names)
            wanted = columns and [name for name in columns if name in present]
            # Many small files: a thread reads a file, for starting several on each costs more than it saves.
            return file.read(columns=wanted, use_threads=False)
    except FileNotFoundError:
        return "missing"
    except (OSError, pa.ArrowException, _WrongVersion) as error:
        return _one_line(error)


class _WrongVersion(Exception):
    """The file was written by a later schema."""


def _check_version(file: pq.ParquetFile) -> None:
    stored = (file.schema_arrow.metadata or {}).get(VERSION_KEY, b"0").decode(errors="replace")
    if not stored.isdigit() or int(stored) > SCHEMA_VERSION:
        raise _WrongVersion(f"schema version {stored}, this analysis understands up to {SCHEMA_VERSION}")


def open_studies(paths: Iterable[str | Path]) -> list[Study]:
    """Return the studies in `paths`: each a study's folder, or a parent of several. Each folder counts once.

    Raises:
        AnalysisError: a path is no folder, or holds no study.
    """
    roots: dict[Path, Path] = {}
    for path in paths:
        _refuse_address(str(path))
        for root in _study_roots(Path(path)):
            roots.setdefault(root.resolve(), root)
    studies = [_open(root) for root in roots.values()]
    for study in studies:
        study.read_trials()
    return studies


def _open(root: Path) -> Study:
    study = Study(root, {})
    what = f"{root.name}/study.json"
    study.description = read_description(
        root / "study.json", lambda place, reason: study.exclude(what, f"{place} {reason}")
    )
    return study


def _refuse_address(path: str) -> None:
    scheme, mark, _ = path.partition("://")
    if not mark:
        return
    place = path.partition("?")[0].rstrip("/")
    name = place.rpartition("/")[2]
    commands = {"s3": "aws s3 cp --recursive", "gs": "gcloud storage cp --recursive"}
    command = f": {commands[scheme]} '{place}' {name}" if scheme in commands else ""
    raise AnalysisError(f"'{path}' is an address, and folders are what is read here; copy it first{command}")


def _study_roots(path: Path) -> list[Path]:
    if not path.is_dir():
        raise AnalysisError(f"no such results folder: '{path}'")
    if (path / "study.json").is_file():
        return [path]
    roots = sorted(child.parent for child in path.glob("*/study.json"))
    if not roots:
        raise AnalysisError(f"'{path}' is no results folder: neither it nor a folder in it has a study.json")
    return roots


def _with_columns(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    for name in columns:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows))
    return table.select(list(columns))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
