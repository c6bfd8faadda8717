"""A results folder at an s3:// address, against a server that speaks S3 on loopback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

import study.results.lease
import study.trial.training
from analysis.errors import AnalysisError
from analysis.reading.folders import open_studies
from study.config import TrialConfig
from study.errors import UserError
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

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ROW = {"trial": "abc", "status": "complete", "accuracy": 50.0, "missing": {"similarity": "not installed"}}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server with the bucket `studies`; the address of the server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "key")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fs.S3FileSystem(allow_bucket_creation=True, endpoint_override=f"http://{host}:{port}").create_dir(
        "studies"
    )
    yield f"{host}:{port}"
    patch.undo()
    server.stop()


@pytest.fixture
def address(server: str, request: pytest.FixtureRequest) -> str:
    """An address of the test's own."""
    return f"s3://studies/{request.node.name}"


def objects(address: str) -> set[str]:
    """The names of all objects below an address."""
    return set(object_store.ObjectStore(address).files("", recursive=True))


def test_a_study_is_written_and_read_as_on_a_disk(address: str) -> None:
    folder = ResultsFolder(address)
    folder.create()
    folder.write_description({"study": "mine"})
    folder.finish_trial(ROW, [{"trial": "abc"}], [{"trial": "abc", "step": 1}])
    folder.finish_trial({**ROW, "trial": "def"})
    object_store.ObjectStore(address).write("trials/ghi.parquet", b"PAR1, or so it says")
    again = ResultsFolder(address)
    assert again.read_description() == {"study": "mine"}
    assert again.read_trials(["accuracy"]) == [{"trial": t, "accuracy": 50.0} for t in ("abc", "def")]
    assert (again.read_trial("abc") or {})["missing"] == ROW["missing"]
    assert again.read_trial("none") is None
    assert again.read_table("history", "abc")["step"].to_pylist() == [1]
    assert again.read_table("history", "def") is None
    assert not [file for file in again.root.rglob("*") if file.is_file()]


def test_checkpoints_go_to_the_address_and_away_with_the_trial(address: str) -> None:
    folder, elsewhere = ResultsFolder(address), ResultsFolder(address)
    checkpoints = folder.checkpoints_path("abc")
    for step in (1, 2):
        (checkpoints / f"1/checkpoint-{step}").mkdir(parents=True)
        (checkpoints / f"1/checkpoint-{step}" / "weights").write_text(f"weights of {step}", encoding="utf-8")
        folder.publish(checkpoints)
        if step == 2:
            (checkpoints / "1/checkpoint-1/weights").unlink()
            folder.publish(checkpoints)
    elsewhere.fetch(elsewhere.checkpoints_path("abc"))
    (file,) = [file for file in elsewhere.root.rglob("*") if file.is_file()]
    assert file == elsewhere.checkpoints_path("abc") / "1/checkpoint-2/weights"
    assert file.read_text(encoding="utf-8") == "weights of 2"
    elsewhere.finish_trial(ROW)
    assert objects(address) == {"trials/abc.parquet"}


def test_what_says_that_the_rest_is_whole_is_written_last(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, order = ResultsFolder(address), []
    model = folder.model_path("lora")
    (model / "part").mkdir(parents=True)
    for age, name in enumerate(("trial.json", "weights", "part/weights")):
        (model / name).write_text(name, encoding="utf-8")
        os.utime(model / name, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(object_store.ObjectStore, "upload", lambda self, local, name: order.append(name))
    folder.publish(model)
    folder.publish(model)
    assert order == ["models/lora/part/weights", "models/lora/weights", "models/lora/trial.json"]


def test_a_study_under_way_waits_for_a_store_that_is_away(
    address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(object_store, "RETRY_SECONDS", (0.01, 0.01))
    folder = ResultsFolder(address)
    folder.finish_trial(ROW)
    store: Any = folder._store
    there, failures = store._files, iter(range(20))

    class Away:
        def __getattr__(self, name: str) -> Any:
            if next(failures, None) is not None:
                raise OSError("connection refused")
            return getattr(there, name)

    store._files = Away()
    with pytest.raises(UserError, match=r"can't be used: connection refused"):
        folder.read_trial("abc")
    with pytest.raises(UserError, match=r"can't be used: connection refused"):
        folder.check_seen()
    folder.wait_for_store()
    folder.check_seen()
    assert folder.read_trial("abc") is not None
    assert next(failures, None) is None
    assert capfd.readouterr().err.count("waiting: results address") == 1


def test_a_folder_in_use_is_refused_until_its_lease_is_stale(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ResultsFolder(address)
    with folder.in_use():
        with pytest.raises(UserError, match=f"is in use by process {os.getpid()} on "):
            ResultsFolder(address).in_use().__enter__()
        assert len(objects(address)) == 1
    assert objects(address) == set()
    # As a killed run leaves it.
    object_store.ObjectStore(address).write("lock/of-the-dead", b"process 1")
    with pytest.raises(UserError, match=r"is in use by process 1; .*if it was killed: \d+ seconds"):
        folder.in_use().__enter__()
    # The store's clock counts whole seconds.
    monkeypatch.setattr(study.results.lease, "LEASE_SECONDS", 1.0)
    time.sleep(2.1)
    with folder.in_use():
        pass


def test_a_lease_is_renewed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.results.lease, "LEASE_SECONDS", 4.0)
    monkeypatch.setattr(study.results.lease, "RENEWAL_SECONDS", 0.3)
    folder = ResultsFolder(address)
    with folder.in_use():
        time.sleep(5.5)
        with pytest.raises(UserError, match="is in use by"):
            ResultsFolder(address).in_use().__enter__()


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
    server: str, results: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_a_name_goes_before_an_addresss_query() -> None:
    assert join_address("s3://b/a/?endpoint_override=x", "name") == "s3://b/a/name?endpoint_override=x"
    assert join_address("results", "name") == "results/name"


def test_the_analysis_says_how_to_copy_an_address() -> None:
    with pytest.raises(AnalysisError, match="copy it first: aws s3 cp --recursive 's3://b/mine' mine"):
        open_studies(["s3://b/mine?endpoint_override=x"])


def test_a_training_goes_on_elsewhere_from_the_checkpoint_at_the_address(
    config_for: Callable[..., TrialConfig],
    workplace: Workplace,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import dataclasses

    monkeypatch.setattr(study.trial.training, "CHECKPOINT_SECONDS", 0.0)
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
        row = record_trial(run_trial, config, here, folder, about={}, on_progress=tell)
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


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_and_ends_as_on_a_disk(
    tiny_model: Path, small_data: Path, address: str, tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, study.results.lease as lease, study.engine.tuning as tuning\n"
        "lease.LEASE_SECONDS, lease.RENEWAL_SECONDS = 3.0, 1.0\n"
        "tuning.Job.__init__.__defaults__ = ('tests.fake_trainer:run_trial',)\n"
        "from study.run import main\n"
        "sys.exit(main(sys.argv[1:]))\n",
        encoding="utf-8",
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, str(script), "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(root), "FAKE_TRIAL_SECONDS": "0.5"}
    options = ["--space", "lora_vs_qlora", "--model", str(tiny_model), "--data", str(small_data)]
    options += ["--set", "variant=main", "--trials", "2", "--replicates", "2"]

    with subprocess.Popen(
        [*command, *options, "--results", address], stdout=subprocess.DEVNULL, env=environment
    ) as process:
        deadline = time.monotonic() + 240
        while sum("/trials/" in name for name in objects(address)) < 3 and time.monotonic() < deadline:
            time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    (description,) = [name for name in objects(address) if name.endswith("study.json")]
    study_address = join_address(address, description.removesuffix("/study.json"))
    kept = {row["trial"] for row in ResultsFolder(study_address).read_trials([])}
    assert 3 <= len(kept) < 11

    time.sleep(4.1)
    done = subprocess.run(
        [*command, "--resume", study_address],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " qlora " in done.stdout
    local = subprocess.run(
        [*command, *options, "--results", str(tmp_path / "results")], env=environment, timeout=300
    )
    assert local.returncode == 0
    (on_disk,) = (tmp_path / "results").iterdir()
    columns = ["arm", "stage", "status", "accuracy", "search_score", "config_json", "log"]
    assert ResultsFolder(study_address).read_trials(columns) == ResultsFolder(on_disk).read_trials(columns)
    names = objects(study_address)
    assert {"study.json", "optuna.db", "report.html"} <= names
    assert {f"logs/{trial}.log" for trial in kept} <= names
    assert not [name for name in names if name.startswith(("lock/", "checkpoints/"))]
