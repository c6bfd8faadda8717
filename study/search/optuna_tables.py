"""The tables of an optuna.db, written and read directly: Optuna takes twenty statements for each trial.

They have been the same since its release 3.2, and say which they are; where they say anything else, Optuna
itself is asked (see `study.search.optuna_record`).
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial

VERSION = "v3.2.0.a"

# The names of Optuna's studies, and the two attributes that `OptunaRecord` gives to a trial.
_RECORDED = """
    SELECT studies.study_name, trial.value_json, status.value_json
    FROM trials
    JOIN studies USING (study_id)
    JOIN trial_user_attributes AS trial ON trial.trial_id = trials.trial_id AND trial.key = 'trial'
    JOIN trial_user_attributes AS status ON status.trial_id = trials.trial_id AND status.key = 'status'
"""
_NEW_TRIAL = """
    INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
    VALUES ((SELECT count(*) FROM trials WHERE study_id = :study), :study, :state, :started, :ended)
"""
_VALUE = "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')"
_PARAMETER = """
    INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)
"""
_ATTRIBUTE = "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)"
_INTERMEDIATE = """
    INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
    VALUES (?, ?, ?, 'FINITE')
"""


def read_recorded(path: Path) -> Mapping[str, set[tuple[str, str]]] | None:
    """Return study -> (trial, status) of what `OptunaRecord` has recorded; None: it can't be told."""
    recorded: dict[str, set[tuple[str, str]]] = defaultdict(set)
    try:
        with closing(sqlite3.connect(path)) as database:
            if not _is_known(database):
                return None
            for study, trial, status in database.execute(_RECORDED):
                recorded[study].add((json.loads(trial), json.loads(status)))
    except (sqlite3.Error, ValueError):
        return None
    return recorded


def write_trial(path: Path, study: str, trial: FrozenTrial) -> bool:
    """Add a trial to a study that is there, whole or not at all; return whether that was possible."""
    values = [*trial.intermediate_values.values(), *([] if trial.value is None else [trial.value])]
    if not all(math.isfinite(value) for value in values):
        return False
    try:
        with closing(sqlite3.connect(path)) as database:
            # Not to wait for the disk at every trial: what is lost with the machine, the rows still have.
            database.execute("PRAGMA synchronous=OFF")
            found = database.execute("SELECT study_id FROM studies WHERE study_name = ?", (study,)).fetchone()
            if found is None or not _is_known(database):
                return False
            with database:
                _insert(database, found[0], trial)
    except sqlite3.Error:
        return False
    return True


def _is_known(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT version_num FROM alembic_version").fetchall() == [(VERSION,)]


def _insert(database: sqlite3.Connection, study: int, trial: FrozenTrial) -> None:
    times = {"started": trial.datetime_start, "ended": trial.datetime_complete}
    row = {name: time and time.isoformat(" ", "microseconds") for name, time in times.items()}
    new = database.execute(_NEW_TRIAL, {"study": study, "state": trial.state.name, **row}).lastrowid
    if trial.value is not None:
        database.execute(_VALUE, (new, trial.value))
    database.executemany(
        _PARAMETER,
        [
            (new, name, range_.to_internal_repr(trial.params[name]), distribution_to_json(range_))
            for name, range_ in trial.distributions.items()
        ],
    )
    database.executemany(_ATTRIBUTE, [(new, key, json.dumps(said)) for key, said in trial.user_attrs.items()])
    database.executemany(
        _INTERMEDIATE, [(new, step, loss) for step, loss in trial.intermediate_values.items()]
    )
