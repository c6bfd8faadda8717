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
from optuna.trial import create_trial
from sqlalchemy import event

from study.machine.room import when_there_is_room
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.search.proposals import read_ending


class OptunaRecord(Observer):
    """Writes finished search trials to optuna.db, one Optuna study a search: an arm's replicate."""

    def __init__(self, path: Path):
        self._storage = _open(path)
        self._studies: dict[str, optuna.Study] = {}
        self._known: dict[str, set[tuple[str, str]]] = {}

    def finished(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        """Record a search trial, unless it is there already."""
        if assignment.number is not None:
            when_there_is_room(lambda: self._record(assignment, row))

    def _record(self, assignment: Assignment, row: Mapping[str, Any]) -> None:
        label = _study_name(assignment)
        known = self._known.get(label)
        if known is None:
            known = self._known[label] = self._recorded(label)
        if (row["trial"], row["status"]) in known:  # a failed trial may have been tried again
            return
        ending = read_ending(row)
        ranges = dict(assignment.arm.ranges)
        self._study(label).add_trial(
            create_trial(
                state=ending.state,
                value=ending.value,
                intermediate_values=dict(ending.intermediate_values),
                params={name: getattr(assignment.config, name) for name in ranges},
                distributions=ranges,
                user_attrs={"trial": row["trial"], "status": row["status"]},
            )
        )
        known.add((row["trial"], row["status"]))
        if len(known) >= assignment.arm.search_trials:
            del self._studies[label]  # it holds all its trials in memory

    def _recorded(self, label: str) -> set[tuple[str, str]]:
        trials = self._study(label).get_trials(deepcopy=False)
        del self._studies[label]
        return {(trial.user_attrs["trial"], trial.user_attrs["status"]) for trial in trials}

    def _study(self, label: str) -> optuna.Study:
        if label not in self._studies:
            self._studies[label] = optuna.create_study(
                storage=self._storage, study_name=label, direction="maximize", load_if_exists=True
            )
        return self._studies[label]


def _study_name(assignment: Assignment) -> str:
    return f"{assignment.arm.label}, replicate {assignment.replicate + 1}"


def _open(path: Path) -> optuna.storages.RDBStorage:
    """Return the storage in a file. One that a fault has spoilt is made anew: a resume records all again."""
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
