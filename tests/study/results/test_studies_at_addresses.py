"""Studies, models and trainings at an s3:// address, as a user meets them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyarrow import fs

import study.trial.recorder
from analysis.errors import AnalysisError
from analysis.reading.folders import open_studies
from study.config import TrialConfig
from study.export import main as export_main
from study.results import object_store
from study.results.folder import ResultsFolder
from study.results.object_store import join_address
from study.results.schema import SCHEMA_VERSION
from study.run import main
from study.search.search import StudySearch
from study.trial.record import config_columns, record_trial
from study.trial.trial import run_trial
from study.workplace import Workplace
from tests.study.results.addresses import ROW, objects, quiet

pytestmark = quiet

ROOT = Path(__file__).parents[3]


def without_retries() -> SimpleNamespace:
    """Arrow's file systems, of which S3's asks once: ten attempts at a refused connection take 6 s."""

    def from_uri(address: str) -> tuple[fs.FileSystem, str]:
        bucket, _, endpoint = address.removeprefix("s3://").partition("?endpoint_override=")
        once = fs.AwsStandardS3RetryStrategy(max_attempts=1)
        return fs.S3FileSystem(endpoint_override=endpoint, retry_strategy=once), bucket

    return SimpleNamespace(**{**vars(fs), "FileSystem": SimpleNamespace(from_uri=from_uri)})


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ("s3://no-such-bucket/mine", "there is no bucket 'no-such-bucket'"),
        ("ftp://host/mine", "begins with s3://, gs://, abfs://; received 'ftp://'"),
        ("s3://key:secret@studies/mine", "must not hold credentials"),
        ("s3://studies/mine?endpoint_override=http://127.0.0.1:9", "can't be used: "),
        ("s3://studies/mine?colour=red", "can't be used: "),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line(
    server: str,
    results: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "127.0.0.1:9" in results:
        monkeypatch.setattr(object_store, "fs", without_retries())
    for arguments in (
        ["--space", "lora_vs_qlora", "--results", results],
        ["--resume", results],
        ["--rerun", "abc", "--results", results],
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert reason in error
        assert "key:secret" not in error


def test_an_address_without_a_study_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--resume", address]) == 2
    assert f"'{address}' is no results folder" in capsys.readouterr().err
    assert objects(address) == set()


def test_a_model_is_exported_from_an_address(
    config_for: Callable[..., TrialConfig], workplace: Workplace, address: str, tmp_path: Path
) -> None:
    folder, config = ResultsFolder(address), config_for("lora")
    arm = {"label": "lora main", "slug": "lora-main", "search_trials": 1}
    about = {"schema_version": SCHEMA_VERSION, "study": "mine", "space": {"question": "Which?"}}
    folder.write_description({**about, "arms": [arm]})
    row = {**ROW, **config_columns(config), "arm": "lora main", "questions": 24}
    folder.finish_trial(row)
    arguments = [address, "--arm", "lora main", "--to", str(tmp_path / "model")]
    assert export_main(arguments) == 2  # no model yet
    model = folder.model_path("lora-main")
    model.mkdir(parents=True)
    for path in workplace.model.path.glob("*token*"):
        shutil.copy(path, model)
    adapter = json.dumps({"task_type": "SEQ_2_SEQ_LM", "base_model_name_or_path": "base"})
    (model / "adapter_config.json").write_text(adapter, encoding="utf-8")
    (model / "trial.json").write_text(
        json.dumps({"config": config.model_dump(mode="json"), "base": str(workplace.model.path)}),
        encoding="utf-8",
    )
    folder.publish(model)
    assert export_main(arguments) == 0
    assert (tmp_path / "model" / "adapter_config.json").read_text(encoding="utf-8") == adapter
    assert "fine-tuned: lora main" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


def test_the_best_model_is_moved_at_an_address_and_the_others_go(address: str) -> None:
    """Workers bring the candidates; the driver of a study that goes on begins with an empty scratch."""
    from study.winner.choosing import KeptModels
    from tests.study.winner.test_kept_models import plan_of, row_of, write_model

    plan, worker, driver = plan_of(0), ResultsFolder(address), ResultsFolder(address)
    search, kept = StudySearch(plan, 1, {}), KeptModels(driver, plan, {})
    while (assignment := search.next()) is not None:
        kept.started(assignment)
        if assignment.keeps_its_model:
            model = worker.candidates_path / assignment.config.trial_id
            write_model(model, assignment)
            worker.publish(model)
        row = row_of(assignment)
        kept.finished(assignment, row)
        search.finish(assignment.config.trial_id, row)
    assert {name for name in objects(address) if "lock" not in name} == {
        "models/lora/trial.json",
        "models/lora/weights",
    }


def test_the_analysis_says_how_to_copy_an_address() -> None:
    with pytest.raises(AnalysisError, match="copy it first: aws s3 cp --recursive 's3://b/mine' mine"):
        open_studies(["s3://b/mine?endpoint_override=x"])


@pytest.mark.slow
def test_a_training_goes_on_elsewhere_from_the_checkpoint_at_the_address(
    config_for: Callable[..., TrialConfig],
    workplace: Workplace,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import dataclasses

    monkeypatch.setattr(study.trial.recorder, "CHECKPOINT_SECONDS", 0.0)
    config = config_for("lora", max_steps=6)

    def run(place: str | Path, until: int) -> dict[str, Any]:
        folder, steps = ResultsFolder(place), []
        folder.create()
        checkpoints = folder.checkpoints_path(config.trial_id)
        folder.fetch(checkpoints)

        def tell(progress: Any) -> None:
            if progress["phase"] == "training":
                steps.append(progress["step"])
                if progress["step"] == until:
                    raise KeyboardInterrupt

        here = dataclasses.replace(
            workplace, checkpoints=checkpoints, on_checkpoint=lambda: folder.publish(checkpoints)
        )
        row = record_trial(run_trial, config, here, folder, on_progress=tell)
        return {**row, "steps": steps}

    whole = run(tmp_path / "on-a-disk", until=-1)
    with pytest.raises(KeyboardInterrupt):
        run(address, until=4)
    resumed = run(address, until=-1)
    assert resumed["steps"][0] > 1
    assert resumed["status"] == whole["status"] == "complete"
    assert [resumed[name] for name in ("perplexity", "rouge1")] == [
        whole[n] for n in ("perplexity", "rouge1")
    ]
    assert not [name for name in objects(address) if name.startswith("checkpoints")]


SCRIPT = """
import sys, study.results.lease as lease, study.engine.tuning as tuning
lease.LEASE_SECONDS, lease.RENEWAL_SECONDS = 3.0, 1.0
tuning.Job.__init__.__defaults__ = ("tests.fake_trainer:run_trial",)
from study.run import main
sys.exit(main(sys.argv[1:]))
"""


def wait_for_rows(address: str, number: int) -> None:
    deadline = time.monotonic() + 240
    while sum("/trials/" in name for name in objects(address)) < number and time.monotonic() < deadline:
        time.sleep(0.3)


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_and_ends_as_on_a_disk(
    tiny_model: Path, small_data: Path, address: str, tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(script), "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FAKE_TRIAL_SECONDS": "0.5"}
    options = ["--space", "lora_vs_qlora", "--model", str(tiny_model), "--data", str(small_data)]
    options += ["--set", "variant=main", "--trials", "2", "--replicates", "2"]

    def run(*arguments: str) -> str:
        whole = [*command, *arguments]
        done = subprocess.run(
            whole, capture_output=True, text=True, env=environment, timeout=300, encoding="utf-8"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    first = [*command, *options, "--results", address]
    with subprocess.Popen(first, stdout=subprocess.DEVNULL, env=environment) as process:
        wait_for_rows(address, 3)
        process.send_signal(signal.SIGKILL)
    (description,) = [name for name in objects(address) if name.endswith("study.json")]
    study_address = join_address(address, description.removesuffix("/study.json"))
    kept = {row["trial"] for row in ResultsFolder(study_address).read_trials([])}
    assert 3 <= len(kept) < 11

    time.sleep(4.1)
    assert " qlora " in run("--resume", study_address)
    run(*options, "--results", str(tmp_path / "results"))
    (on_disk,) = (tmp_path / "results").iterdir()
    columns = ["arm", "stage", "status", "accuracy", "search_score", "config_json", "log"]
    assert ResultsFolder(study_address).read_trials(columns) == ResultsFolder(on_disk).read_trials(columns)
    names = objects(study_address)
    assert {"study.json", "columns.json", "optuna.db", "report.html"} <= names
    assert {f"logs/{trial}.log" for trial in kept} <= names
    assert not [name for name in names if name.startswith(("lock/", "checkpoints/"))]
