"""A results folder at an s3:// address: what is written there, and read, and waited for."""

import os
from typing import Any

import pytest

from study.errors import UserError
from study.results import object_store
from study.results.folder import ResultsFolder
from study.results.object_store import join_address
from tests.study.results.addresses import ROW, objects, quiet

pytestmark = quiet


def test_a_study_is_written_and_read_as_on_a_disk(address: str) -> None:
    folder = ResultsFolder(address)
    folder.create()
    folder.describe_columns()
    folder.write_description({"study": "mine"})
    folder.finish_trial(ROW, [{"trial": "abc"}], [{"trial": "abc", "step": 1}])
    folder.finish_trial({**ROW, "trial": "def"})
    object_store.ObjectStore(address).write("trials/ghi.parquet", b"PAR1, or so it says")
    assert "columns.json" in objects(address)
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
    store: Any = folder._place._store
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


def test_a_name_goes_before_an_addresss_query() -> None:
    assert join_address("s3://b/a/?endpoint_override=x", "name") == "s3://b/a/name?endpoint_override=x"
    assert join_address("results", "name") == "results/name"
