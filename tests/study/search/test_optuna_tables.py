"""What is written to Optuna's tables directly is what Optuna writes; other tables are left to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from study.search.optuna_tables import read_recorded, write_trial
from study.search.proposals import ended_trial

LORA = "lora main, replicate 1"
RANGES = {
    "rank": CategoricalDistribution([4, 8, 16]),
    "learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
    "batch_size": IntDistribution(1, 64, log=True),
}
PARAMETERS = {"rank": 8, "learning_rate": 3.3e-4, "batch_size": 16}
ENDINGS = {
    "complete": {"status": "complete", "search_score": 41.25, "rung_losses": [2.5, None]},
    "without rungs": {"status": "complete", "search_score": -1, "rung_losses": None},
    "pruned": {"status": "pruned", "search_score": None, "rung_losses": [2.5, 1.75]},
    "failed": {"status": "failed", "search_score": None, "rung_losses": None},
}


def trial_of(ending: str) -> FrozenTrial:
    row = ENDINGS[ending]
    return ended_trial(row, PARAMETERS, RANGES, {"trial": "abc", "status": str(row["status"])})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An optuna.db by Optuna itself: two searches, of two trials each."""
    path = tmp_path_factory.mktemp("optuna") / "optuna.db"
    for name in ("another", LORA):
        study = optuna.create_study(storage=f"sqlite:///{path}", study_name=name, direction="maximize")
        study.add_trial(trial_of("complete"))
        study.add_trial(trial_of("failed"))
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, written: bytes) -> Path:
    """A copy of it."""
    path = tmp_path / "optuna.db"
    path.write_bytes(written)
    return path


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_trial_is_written_as_optuna_writes_it(path: Path, tmp_path: Path, ending: str) -> None:
    theirs, trial = tmp_path / "theirs.db", trial_of(ending)
    theirs.write_bytes(path.read_bytes())
    optuna.load_study(storage=f"sqlite:///{theirs}", study_name=LORA).add_trial(trial)
    assert write_trial(path, LORA, trial)
    assert content(path) == content(theirs)
    (told,) = optuna.load_study(storage=f"sqlite:///{path}", study_name=LORA).trials[2:]
    assert (told.number, told.state, told.params) == (2, trial.state, PARAMETERS)


def test_what_is_recorded_is_read_by_study(path: Path) -> None:
    told = {("abc", "complete"), ("abc", "failed")}
    assert read_recorded(path) == {"another": told, LORA: told}


@pytest.mark.parametrize(
    "change", ["DROP TABLE trial_params", "UPDATE alembic_version SET version_num = '9'"]
)
def test_other_tables_are_left_to_optuna_and_nothing_stays_half_written(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(change)
    before = content(path)
    assert not write_trial(path, LORA, trial_of("complete"))
    assert content(path) == before


def test_where_the_tables_are_others_what_is_recorded_is_left_to_optuna(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9'")
    assert read_recorded(path) is None


def test_a_study_that_is_not_there_yet_is_left_to_optuna(path: Path) -> None:
    assert not write_trial(path, "qlora main, replicate 1", trial_of("complete"))


def test_a_loss_that_is_no_number_is_left_to_optuna(path: Path) -> None:
    row = {"status": "pruned", "search_score": None, "rung_losses": [float("inf")]}
    assert not write_trial(path, LORA, ended_trial(row, PARAMETERS, RANGES))
