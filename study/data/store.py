"""The problems of a data set, read and divided once, and kept in the cache for every trial.

Reading a large data set takes seconds and much memory; the driver does it when a plan is bound, and a worker
on another machine when it finds nothing kept.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from study.config import TrialConfig, digest
from study.data.loading import DataSet, Problem, Split, load_data
from study.errors import UserError
from study.machine.durable import replace
from study.machine.room import when_there_is_room
from study.rows.problems import BATCH_ROWS, from_arrow
from study.workplace import Workplace

# Goes up when what is kept changes for the same key.
STORE_VERSION = 2
_SCHEMA = pa.schema([(name, pa.string()) for name in ("question", "answer", "extra", "name")])


@dataclass(frozen=True)
class StoredProblems:
    """The problems of one variant of a data set, divided, in a folder of the cache."""

    folder: Path

    @property
    def has_validation(self) -> bool:
        """Whether the data has a validation split of its own."""
        return (self.folder / "validation.arrow").is_file()

    def count(self, split: str) -> int:
        """Return the number of rows of a split."""
        return int(self._table(split).num_rows)

    def questions(self, split: str) -> Iterator[str]:
        """Yield the questions of a split, in their order."""
        return self._column(split, "question")

    def labels(self) -> tuple[str, ...]:
        """Return the distinct answers of all splits, in their order: the labels, where answers are labels."""
        files = self.folder.glob("*.arrow")
        return tuple(sorted({answer for file in files for answer in self._column(file.stem, "answer")}))

    def names(self, split: str) -> Iterator[str]:
        """Yield what stands for each question: the same for those that are one but for their letters."""
        names = zip(self._column(split, "name"), self.questions(split), strict=True)
        return (question if name is None else name for name, question in names)

    def problems(self, split: str, places: Sequence[int] | None = None) -> Iterator[list[Problem]]:
        """Yield the problems at `places` (None: all), some thousand at a time."""
        if places is None:
            yield from map(from_arrow, self._batches(split))
            return
        table = self._table(split).take(pa.array(places, pa.int64()))
        yield from map(from_arrow, table.to_batches(BATCH_ROWS))

    def _column(self, split: str, name: str) -> Iterator[Any]:
        for batch in self._batches(split):
            yield from batch.column(name).to_pylist()

    def _batches(self, split: str) -> Iterator[Any]:
        # Read one by one: a file that is mapped stays in memory as far as it was looked at.
        with pa.OSFile(str(self.folder / f"{split}.arrow")) as source:
            reader = pa.ipc.open_file(source)
            yield from (reader.get_batch(number) for number in range(reader.num_record_batches))

    def _table(self, split: str) -> Any:
        with pa.memory_map(str(self.folder / f"{split}.arrow")) as source:
            return pa.ipc.open_file(source).read_all()


def open_problems(config: TrialConfig, workplace: Workplace) -> StoredProblems:
    """Return a trial's problems from the cache; they are read from the data where it has none.

    Raises:
        UserError: the data can't be used (see `study.data.loading.load_data`).
    """
    folder = _folder(config.data_fingerprint, config.variant, workplace)
    if not folder.is_dir():
        data = read_data(workplace, config.variant)
        keep_problems(data, config.data_fingerprint, config.variant, workplace)
    return StoredProblems(folder)


def keep_problems(data: DataSet, data_fingerprint: str, variant: str, workplace: Workplace) -> None:
    """Keep data that have been read.

    Raises:
        UserError: the cache can't be written.
    """
    folder = _folder(data_fingerprint, variant, workplace)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                when_there_is_room(lambda: _write(data, folder))
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(
            f"the cache '{workplace.cache}' can't be written: {why}; name a folder that can in "
            "FINETUNE_STUDY_CACHE"
        ) from None


def read_data(workplace: Workplace, variant: str) -> DataSet:
    """Return a variant of the data as the workplace says how to read them."""
    return load_data(
        workplace.data.path,
        variant,
        task=workplace.task.task,
        columns=workplace.columns,
        skip_bad_rows=workplace.skip_bad_rows,
        keep_leaks=workplace.keep_leaks,
    )


def _folder(data_fingerprint: str, variant: str, workplace: Workplace) -> Path:
    key = {"version": STORE_VERSION, "data": data_fingerprint, "variant": variant}
    key |= {"path": str(workplace.data.path), "keep_leaks": workplace.keep_leaks}
    columns = workplace.columns and [workplace.columns.question, workplace.columns.answer]
    key |= {"columns": columns, "skip": workplace.skip_bad_rows}
    key |= {"task": [workplace.task.name, workplace.task.fingerprint]}
    return workplace.cache / "problems" / digest(key, 24)


def _write(data: DataSet, folder: Path) -> None:
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        for name, split in {"train": data.train, "validation": data.validation, "test": data.test}.items():
            if split is not None:
                _write_split(data, split, temporary / f"{name}.arrow")
        replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_split(data: DataSet, split: Split, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        for rows in split.problems.batches():
            columns = {
                "question": [problem.question for problem in rows],
                "answer": [problem.answer for problem in rows],
                "extra": [problem.extra for problem in rows],
                "name": [data.twins.get(problem.question) for problem in rows],
            }
            writer.write_table(pa.table(columns, schema=_SCHEMA))
