"""optuna.db: every search trial, as optuna-dashboard opens it (`optuna-dashboard sqlite:///RESULTS/optuna.db`).

A record for people, written from the rows. The search itself keeps its studies in memory and goes on
from the rows (see `study.search.search`), so nothing is lost with this file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy import event

from study.machine.room import when_there_is_room
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.search.optuna_tables import read_recorded, write_trial
from study.search.proposals import ended_trial


class OptunaRecord(Observer):
    """Writes finished search trials to optuna.db, one Optuna study a search: an arm's replicate."""

    def __init__(self, path: Path):
        self._path, self._storage = path, _open(path)
        self._known = dict(_recorded(path, self._storage))

    def finished(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        """Record a search trial, unless it is there already."""
        if assignment.number is not None:
            when_there_is_room(lambda: self._record(assignment, row))

    def _record(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        label = _study_name(assignment)
        known = self._known.setdefault(label, set())
        if (row["trial"], row["status"]) in known:  # a failed trial may have been tried again
            return
        ranges = assignment.arm.ranges
        parameters = {name: getattr(assignment.config, name) for name in ranges}
        about = {"trial": row["trial"], "status": row["status"]}
        trial = ended_trial(row, parameters, ranges, about)
        if not write_trial(self._path, label, trial):  # of a search, the first has no study yet
            optuna.create_study(
                storage=self._storage, study_name=label, direction="maximize", load_if_exists=True
            ).add_trial(trial)
        known.add((row["trial"], row["status"]))


def _recorded(path: Path, storage: optuna.storages.RDBStorage) -> Mapping[str, set[tuple[str, str]]]:
    """Return search -> (trial, status) of what is recorded."""
    recorded = read_recorded(path)
    if recorded is not None:
        return recorded
    return {
        name: {
            (trial.user_attrs["trial"], trial.user_attrs["status"])
            for trial in optuna.load_study(storage=storage, study_name=name).get_trials(deepcopy=False)
        }
        for name in optuna.get_all_study_names(storage)
    }


def _study_name(assignment: Assignment) -> str:
    return f"{assignment.arm.label}, replicate {assignment.replicate + 1}"


def _open(path: Path) -> optuna.storages.RDBStorage:
    """Return the storage in a file. One that a fault has spoilt is made anew: a resume records all again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if path.exists() and not _is_sound(path):
        path.unlink()
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    # Not to wait for the disk at every trial: what is lost with the machine, the rows still have.
    event.listen(
        storage.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF")
    )
    storage.engine.dispose()
    return storage


def _is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        try:
            (answer,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError:
            return False
    return bool(answer == "ok")
