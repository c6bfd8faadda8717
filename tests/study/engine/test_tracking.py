"""Trackers: what TensorBoard, MLflow and Weights & Biases hold after a study, read back from their files."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from study.config import TrialConfig
from study.engine.local_ray import LocalRay
from study.engine.slots import Slots
from study.engine.tracking import tracked
from study.engine.watching import Watching, choose_watching
from study.errors import UserError
from study.plan.arms import Arm
from study.plan.binding import bind
from study.plan.making import make_plan
from study.plan.request import Request
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from tests.conftest import RAYS_OWN_WARNINGS

pytestmark = RAYS_OWN_WARNINGS


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


@pytest.mark.parametrize(
    ("tracks", "chosen"),
    [
        ([], ()),
        (["tensorboard"], ("tensorboard",)),
        (["tensorboard, tensorboard"], ("tensorboard",)),
    ],
)
def test_trackers_are_chosen_by_name(tracks: list[str], chosen: tuple[str, ...]) -> None:
    assert choose_watching(tracks, dashboard=False) == Watching(dashboard=False, trackers=chosen)


def test_a_tracker_that_does_not_exist_is_bad_input() -> None:
    with pytest.raises(UserError, match="unknown tracker 'mlfow': did you mean mlflow"):
        choose_watching(["tensorboard,mlfow"], dashboard=True)


def test_a_tracker_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'finetune-study\[mlflow\]'"):
        choose_watching(["mlflow"], dashboard=True)


@pytest.fixture(scope="module")
def arm(tiny_model: Path, small_data: Path) -> Arm:
    request = Request(
        "lora_vs_qlora", model=str(tiny_model), data=str(small_data), trials=2, replicates=1, confirm_seeds=1
    )
    plan = bind(make_plan(request))
    return next(arm for arm in plan.arms if arm.label == "qlora main")


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    made = ResultsFolder(tmp_path / "results")
    made.create()
    return made


def step(number: int, **values: Any) -> dict[str, Any]:
    return {"phase": "training", "step": number, "loss": 3.0 / number, "validation_loss": None, **values}


def config_of(arm: Arm, number: int) -> TrialConfig:
    values = {n: getattr(dist, "low", None) or dist.choices[0] for n, dist in arm.ranges.items()}
    return arm.search_config({**values, "learning_rate": 0.001 * (number + 1)}, 0)


def track(name: str, arm: Arm, folder: ResultsFolder) -> tuple[Assignment, Assignment]:
    """Tell a tracker of a trial that completes and of one that is cut off by the study's end."""
    done, cut_off = (Assignment(arm, 0, config_of(arm, number), number) for number in (0, 1))
    row = {
        "trial": done.config.trial_id,
        "status": "complete",
        "accuracy": 42.5,
        "perplexity": None,
        "arm": "qlora main",
    }
    with tracked([name], folder, "study-1") as (tracker,):
        tracker.finished(Assignment(arm, 0, config_of(arm, 2), 2), row)  # an earlier run's: nothing to close
        tracker.started(done)
        tracker.progressed(done, {"phase": "loading"})
        for number in (1, 2):
            tracker.progressed(done, step(number, learning_rate=0.01))
        tracker.progressed(done, step(1, validation_loss=1.5))  # the second phase begins
        tracker.started(cut_off)
        tracker.finished(done, row)
    return done, cut_off


def test_tensorboard_files_hold_the_training_and_the_outcome(arm: Arm, folder: ResultsFolder) -> None:
    from tensorboardX.proto.event_pb2 import Event

    done, cut_off = track("tensorboard", arm, folder)
    runs = folder.root / "tracking" / "tensorboard" / "qlora-main"
    assert {path.name for path in runs.iterdir()} == {
        f"search-{assignment.config.trial_id}" for assignment in (done, cut_off)
    }
    (file,) = (runs / f"search-{done.config.trial_id}").glob("events.out.tfevents.*")
    found: dict[str, list[tuple[int, float]]] = {}
    parameters: set[str] = set()
    for event in read_records(file, Event):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, []).append((event.step, pytest.approx(value.simple_value, 1e-5)))
            elif value.tag == "_hparams_/session_start_info":
                parameters = set(hparams_of(value.metadata.plugin_data.content))
    assert found["ray/tune/loss"] == [(1, 3.0), (2, 1.5), (3, 3.0)]
    assert found["ray/tune/learning_rate"] == [(1, 0.01), (2, 0.01)]
    assert found["ray/tune/validation_loss"] == [(3, 1.5)]
    assert found["ray/tune/accuracy"] == [(4, 42.5)]
    assert "ray/tune/perplexity" not in found
    assert {"arm", "stage", "method", "rank", "learning_rate", "seed"} <= parameters


def read_records(path: Path, kind: Any) -> Iterator[Any]:
    """Every record of an event file: length (8 bytes), its checksum (4), the record, its checksum (4)."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        yield kind.FromString(data[at + 12 : at + 12 + length])
        at += 16 + length


def hparams_of(content: bytes) -> dict[str, Any]:
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

    return dict(HParamsPluginData.FromString(content).session_start_info.hparams)


def test_a_tracker_that_fails_says_so_once_and_the_study_goes_on(
    arm: Arm, folder: ResultsFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder.root / "tracking" / "tensorboard"
    place.mkdir(parents=True)
    (place / "qlora-main").touch()  # a file where its folder belongs
    track("tensorboard", arm, folder)
    error = capsys.readouterr().err
    assert error.startswith("--track tensorboard has stopped (NotADirectoryError: ")
    assert error.count("\n") == 1


@needs("mlflow")
@pytest.mark.slow
def test_mlflow_holds_the_training_and_the_outcome(arm: Arm, folder: ResultsFolder) -> None:
    from mlflow.tracking import MlflowClient

    done, cut_off = track("mlflow", arm, folder)
    place = folder.root / "tracking" / "mlflow"
    client = MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("study-1")
    assert experiment is not None
    runs = {run.data.params["trial"]: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {done.config.trial_id, cut_off.config.trial_id}
    run = runs[done.config.trial_id]
    assert run.info.run_name == "qlora main, replicate 1, search 1"
    assert run.info.status == "FINISHED"
    assert runs[cut_off.config.trial_id].info.status == "FAILED"
    assert (run.data.tags["arm"], run.data.tags["stage"]) == ("qlora main", "search")
    assert run.data.params["method"] == "qlora"
    assert run.data.metrics["accuracy"] == 42.5
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 3.0), (2, 1.5), (3, 3.0)]


@needs("wandb")
@pytest.mark.slow
def test_wandb_keeps_the_runs_offline(
    arm: Arm, folder: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    with LocalRay(Slots(count=1, cpus=1, gpus=0.0)):
        done, cut_off = track("wandb", arm, folder)
        assert ray.is_initialized()
    place = folder.root / "tracking" / "wandb" / "wandb"
    files = {path.stem.removeprefix("run-"): path for path in place.glob("offline-run-*/run-*.wandb")}
    assert set(files) == {done.config.trial_id, cut_off.config.trial_id}
    history, tags = read_wandb(files[done.config.trial_id])
    assert [row["loss"] for row in history if "loss" in row] == [3.0, 1.5, 3.0]
    assert [row["accuracy"] for row in history if "accuracy" in row] == [42.5]
    assert {"qlora main", "search"} <= tags


def read_wandb(path: Path) -> tuple[list[dict[str, Any]], set[str]]:
    """The history's rows and the tags in a run's file."""
    history: list[dict[str, Any]] = []
    tags: set[str] = set()
    for record in wandb_records(path):
        tags |= set(record.run.tags)
        if record.HasField("history"):
            items = record.history.item
            history.append({i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items})
    return history, tags


def wandb_records(path: Path) -> Iterator[Any]:
    """Every record of a run's file: a log as LevelDB writes it, in blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        # A part: checksum (4 bytes), length (2), and its kind (1 whole, 2 first, 3 middle, 4 last).
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield Record.FromString(parts)
            parts = b""
