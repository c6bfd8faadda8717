"""A full disk: told from other faults by causing it, waited for, and said."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset
from safetensors.torch import save_file

from study.machine import room as room_module
from study.machine.room import Gate, Room, is_disk_full, print_reason, when_there_is_room
from study.results.disk import FLOOR_BYTES
from tests.small_disk import SmallDisk, small_disk

WEIGHTS = {"weights": torch.zeros(500_000)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        yield disk


def write_sqlite(folder: Path) -> None:
    connection = sqlite3.connect(folder / "file")
    try:
        connection.execute("create table t (c)")
    finally:
        connection.close()


def print_to_log(folder: Path) -> None:
    with (folder / "log").open("w", encoding="utf-8") as log:
        print("step 1 of 2", file=log, flush=True)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "safetensors": lambda folder: save_file(WEIGHTS, folder / "file"),
    "torch": lambda folder: torch.save(WEIGHTS, folder / "file"),
    "torch, small": lambda folder: torch.save({"step": 1}, folder / "file"),
    "parquet": lambda folder: pq.write_table(pa.table({"a": list(range(1000))}), folder / "file"),
    "json": lambda folder: (folder / "file").write_text(json.dumps([0] * 10_000), encoding="utf-8"),
    "sqlite": write_sqlite,
    "optuna": lambda folder: optuna.storages.RDBStorage(f"sqlite:///{folder / 'file'}"),
    "datasets": lambda folder: Dataset.from_dict({"a": [0] * 1000}).save_to_disk(str(folder / "set")),
    "log": print_to_log,
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_recognised_whatever_library_meets_it(disk: SmallDisk, writer: str) -> None:
    disk.fill()
    with pytest.raises(Exception) as caught:  # noqa: PT011
        WRITERS[writer](disk.path)
    assert is_disk_full(caught.value), repr(caught.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), FileNotFoundError(2, "No such file"), MemoryError()]
)
def test_other_faults_are_not_taken_for_it(error: Exception) -> None:
    def fail() -> None:
        raise error

    assert not is_disk_full(error)
    with pytest.raises(type(error)):
        when_there_is_room(fail)


def test_what_met_a_full_disk_is_done_again_once_there_is_room(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room_module, "POLL_SECONDS", 0.01)
    disk.fill()
    reasons: list[str] = []

    def on_wait(reason: str) -> None:
        reasons.append(reason)
        print_reason(reason)
        threading.Timer(0.2, disk.free).start()

    when_there_is_room(lambda: save_file(WEIGHTS, disk.path / "file"), on_wait=on_wait)
    assert (disk.path / "file").stat().st_size > 2_000_000 - 100_000
    assert len(reasons) == 1
    assert "No space left" in reasons[0]
    assert capsys.readouterr().err.count("\n") == 1


def test_nothing_is_begun_below_the_floor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room_module, "POLL_SECONDS", 0.01)
    free = iter([1e6, 2e6, FLOOR_BYTES, FLOOR_BYTES])
    monkeypatch.setattr(room_module, "free_bytes", lambda folder: next(free))
    reasons: list[str] = []
    room = Room(((tmp_path, FLOOR_BYTES),))
    assert when_there_is_room(lambda: next(free), room, on_wait=reasons.append) == FLOOR_BYTES
    assert reasons == [f"waiting for room: 1 MB free in '{tmp_path}', 100 MB are needed to go on"]


def test_the_gate_says_when_it_closes_and_when_it_opens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room_module, "POLL_SECONDS", 0.0)
    free = {"bytes": 2e9}
    monkeypatch.setattr(room_module, "free_bytes", lambda folder: free["bytes"])
    said: list[str | None] = []
    gate = Gate(Room(((tmp_path, 1e9),)), said.append)
    assert gate.is_open()
    free["bytes"] = 0.5e9
    assert not gate.is_open()
    assert not gate.is_open()
    free["bytes"] = 2e9
    assert gate.is_open()
    assert said == [f"500 MB free in '{tmp_path}', 1 GB are needed to go on", None]
