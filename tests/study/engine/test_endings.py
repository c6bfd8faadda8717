"""What ends a study before its plan is through: a fault, a bug in all, the user."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.engine.tuning import run_trials
from study.engine.worker import Job
from study.errors import StudyFailed, UserError
from study.plan.binding import workplace_of
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.search.search import HOPELESS_FAILURES, StudySearch
from tests.conftest import RAYS_OWN_WARNINGS
from tests.study.engine.fake_runs import FAKE, SLOTS, Log, run

pytestmark = [*RAYS_OWN_WARNINGS, pytest.mark.slow]


def test_a_worker_that_does_not_see_the_results_folder_stops_the_study(
    plan: Plan, ray_running: None, tmp_path: Path
) -> None:
    workplaces = {name: workplace_of(plan, name) for name in plan.models}
    job = Job(workplaces, tmp_path / "elsewhere", {"study": "test"}, trainer=FAKE)
    with pytest.raises(UserError, match=r"a trial can't run: .* does not see the results folder"):
        run_trials(StudySearch(plan, 1, {}), job, SLOTS, [Log()])
    assert not (tmp_path / "elsewhere").exists()


def test_a_look_that_cannot_be_taken_stops_the_study(plan: Plan, ray_running: None, tmp_path: Path) -> None:
    def fail(replicates: int) -> list[str]:
        raise StudyFailed(f"the look after {replicates} can't be taken")

    looking = dataclasses.replace(plan, request=dataclasses.replace(plan.request, looks=(1,)))
    folder = ResultsFolder(tmp_path)
    folder.create()
    job = Job({name: workplace_of(plan, name) for name in plan.models}, tmp_path, {}, trainer=FAKE)
    with pytest.raises(StudyFailed, match="the look after 1 can't be taken"):
        run_trials(StudySearch(looking, 1, {}, take_look=fail), job, SLOTS, [Log()])
    assert len(folder.trial_ids()) == plan.trials


@pytest.mark.parametrize(
    ("trainer", "reason"),
    [
        ("with_a_bug", "RuntimeError: a bug"),
        pytest.param("that_is_killed", "worker process died", marks=pytest.mark.slow),
    ],
)
def test_an_arm_that_fails_does_not_stop_the_others(
    plan: Plan, ray_running: None, tmp_path: Path, trainer: str, reason: str
) -> None:
    rows = run(plan, tmp_path, Log(), f"tests.fake_trainer:{trainer}")
    failed = [row for row in rows.values() if row["status"] != "complete"]
    assert {row["method"] for row in failed} == {"qlora"}
    assert len(failed) == 4  # both arms' search trials; nothing to confirm
    assert all(reason in row["reason"] for row in failed)
    assert len(rows) == plan.trials - 2


def test_a_bug_that_fails_every_trial_stops_the_study_after_a_few(
    plan: Plan, tmp_path: Path, ray_running: None
) -> None:
    log = Log()
    rows = run(plan, tmp_path / "study", log, "tests.fake_trainer:with_a_bug_in_all")
    # Those that wait are not started any more; one may have been under way.
    assert HOPELESS_FAILURES <= len(rows) < HOPELESS_FAILURES + SLOTS.count < plan.trials
    assert {row["status"] for row in rows.values()} == {"failed"}
    assert len([event for event, _ in log.events if event == "started"]) == len(rows)


@pytest.mark.slow
def test_ctrl_c_ends_in_seconds_and_the_study_can_go_on(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.fake_study", "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "FAKE_TRIAL_SECONDS": "1"}
    options = ["--model", str(tiny_model), "--data", str(small_data), "--set", "variant=main"]
    options += ["--trials", "2", "--replicates", "1", "--confirm-seeds", "1"]
    process = subprocess.Popen(
        [*command, "--space", "lora_vs_qlora", *options, "--results", str(tmp_path / "results")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # Whatever runs the tests in the background may have had Ctrl-C ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        encoding="utf-8",
    )
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("results/*/trials/*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    # Seconds on a free machine; the bound is for one that is busy.
    output = process.communicate(timeout=90)[0]
    assert process.returncode == 130, output
    assert "trials have finished and are kept in" in output
    (study,) = (tmp_path / "results").iterdir()
    assert f"python -m study.run --resume {study}" in output
    kept = {path.stem for path in (study / "trials").glob("*.parquet")}
    assert 3 <= len(kept) < 11

    done = subprocess.run(
        [*command, "--resume", str(study)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = ResultsFolder(study).read_trials()
    assert len(rows) == 11
    assert kept <= {row["trial"] for row in rows}
