"""Thirty short studies, each hit by a SIGKILL at a random moment: resumed, each ends as if undisturbed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pyarrow.parquet as pq
import pytest

from analysis.comparison.comparing import compare_finished
from analysis.layout.documents import to_markdown
from analysis.reading.folders import open_studies
from study.results.folder import ResultsFolder
from tests.study.engine.disturbance import TRIALS, Disturbed, Launcher, disturb

# On two slow cores thirty take a quarter of an hour: CI runs fewer.
RUNS = int(os.environ.get("FAULT_RUNS", "30"))
SIDE_BY_SIDE = 2
# What differs between two runs of the same trial: clocks.
CLOCKS = {"started_at", "ended_at", "busy_seconds", "evaluation_seconds", "study"}


@pytest.fixture(scope="module")
def launcher(tiny_model: Path, small_data: Path) -> Launcher:
    settings = ["--set", "variant=main", "--trials", "2", "--replicates", "2"]
    source = ["--model", str(tiny_model), "--data", str(small_data)]
    return Launcher(["--space", "lora_vs_qlora", *source, *settings])


@pytest.fixture(scope="module")
def undisturbed(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("undisturbed") / "study"
    driver = launcher.start(parent)
    assert driver.wait() == 0, driver.log.read_text(encoding="utf-8")
    (study,) = parent.iterdir()
    assert len(ResultsFolder(study).read_trials()) == TRIALS
    return study


@pytest.fixture(scope="module")
def studies(
    request: pytest.FixtureRequest,
    launcher: Launcher,
    undisturbed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[int, Future[Disturbed]]]:
    """The studies that are asked for, running side by side; each test waits for its own."""
    folder = tmp_path_factory.mktemp("disturbed")
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    numbers = [call.params["number"] for call in calls if call is not None]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {number: pool.submit(disturb, number, launcher, folder) for number in numbers}
        pool.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(RUNS))
def test_a_study_that_was_hit_ends_as_one_that_was_not(
    number: int, studies: dict[int, Future[Disturbed]], undisturbed: Path
) -> None:
    hit = studies[number].result()
    print(hit.fault)
    assert trials_of(hit.study) == trials_of(undisturbed)
    assert files_of(hit.study) == files_of(undisturbed)
    assert optuna_trials_of(hit.study) == optuna_trials_of(undisturbed)
    assert table_of(hit.study) == table_of(undisturbed)
    for name, written in hit.finished.items():
        assert (hit.study / "trials" / name).stat().st_mtime_ns == written, f"{name} was run again"
    assert not list((hit.study / "checkpoints").glob("*"))


def trials_of(study: Path) -> list[dict[str, Any]]:
    """Every row, clocks left out."""
    rows = ResultsFolder(study).read_trials()
    return [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows]


def files_of(study: Path) -> dict[str, Any]:
    """Every Parquet file, read; what hangs on clocks left out."""
    tables = {
        path.relative_to(study): pq.read_table(path, partitioning=None) for path in study.rglob("*.parquet")
    }
    return {
        str(name): table if name.parts[0] == "predictions" else table.num_rows
        for name, table in tables.items()
    }


def optuna_trials_of(study: Path) -> dict[str, list[Any]]:
    """What optuna.db knows of each arm: its trials, by what was told."""
    storage = f"sqlite:///{ResultsFolder(study).optuna_path}"
    return {
        name: sorted(
            (trial.user_attrs["trial"], trial.state.name, trial.value, sorted(trial.params.items()))
            for trial in optuna.load_study(study_name=name, storage=storage).trials
        )
        for name in optuna.get_all_study_names(storage)
    }


def table_of(study: Path) -> str:
    return to_markdown(compare_finished(open_studies([study])))
