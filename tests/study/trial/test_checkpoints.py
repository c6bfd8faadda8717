"""Real checkpoints of the tiny model: their number and size, and a disk that fills up in mid-training."""

import dataclasses
import itertools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config import TrialConfig
from study.machine import room as room_module
from study.machine.room import Room
from study.results.disk import checkpoint_bytes, folder_bytes, tokenizer_bytes
from study.results.folder import ResultsFolder
from study.trial import recorder, training
from study.trial.checkpoints import CHECKSUMS_FILE, PROGRESS_FILE, Checkpoints
from study.trial.record import Outcome, record_trial
from study.trial.trial import run_trial
from study.workplace import Workplace
from tests.small_disk import small_disk

Maker = Callable[..., TrialConfig]


def run(config: TrialConfig, workplace: Workplace) -> Outcome:
    outcome = Outcome()
    run_trial(config, workplace, outcome, on_progress=lambda progress: None)
    return outcome


@pytest.fixture
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)


@pytest.fixture
def most_at_once(monkeypatch: pytest.MonkeyPatch, at_every_step: None) -> list[tuple[int, int]]:
    """(checkpoints, their bytes) at the end of each save, when there are most of them."""
    seen: list[tuple[int, int]] = []
    save = Checkpoints.save

    def save_and_look(self: Checkpoints, *arguments: Any) -> None:
        save(self, *arguments)
        trial = self.folder.parent
        seen.append((len(list(trial.glob("*/checkpoint-*"))), folder_bytes(trial)))

    monkeypatch.setattr(Checkpoints, "save", save_and_look)
    return seen


@pytest.mark.parametrize(
    ("method", "shares", "counts"),
    [
        ("full", 2.5, (2, [2])),
        pytest.param("full", 1.5, (1, [1]), marks=pytest.mark.slow),
        ("full", 0.5, (0, [0])),
        pytest.param("lora", 2.5, (2, [2]), marks=pytest.mark.slow),
        pytest.param("stacked_lora", 2.5, (2, [1, 1]), marks=pytest.mark.slow),
    ],
)
def test_checkpoints_keep_to_their_share_of_the_disk(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    most_at_once: list[tuple[int, int]],
    method: str,
    shares: float,
    counts: tuple[int, list[int]],
) -> None:
    """`counts`: checkpoints at once at most, and those that each phase leaves."""
    most, left = counts
    config = config_for(method, max_steps=6, stage="search")
    trainable = run(config, workplace).row["trainable_parameters"]
    share = shares * checkpoint_bytes(trainable, tokenizer_bytes(workplace.model.path))
    there = dataclasses.replace(workplace, checkpoints=tmp_path, checkpoint_share=share)
    run(config, there)
    assert max((number for number, _ in most_at_once), default=0) == most
    assert max((size for _, size in most_at_once), default=0) <= share
    phases = [len(list(tmp_path.glob(f"{phase}/checkpoint-*"))) for phase, _ in enumerate(left, start=1)]
    assert phases == left


def test_a_short_training_writes_no_checkpoint(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    run(config_for("full", stage="search"), dataclasses.replace(workplace, checkpoints=tmp_path))
    assert list(tmp_path.glob("*/checkpoint-*")) == []


def test_a_disk_that_fills_up_in_mid_training_costs_nothing(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_every_step: None,
) -> None:
    """The second checkpoint meets the end of the disk; so does whatever else is written until it is freed."""
    config = config_for("full", max_steps=4, stage="search")
    undisturbed = run(config, workplace)
    monkeypatch.setattr(room_module, "POLL_SECONDS", 0.05)
    started: list[int] = []
    save = training._Trainer._save_checkpoint

    with small_disk(tmp_path / "disk", megabytes=12) as disk:

        def fill_and_save(self: Any, model: Any, trial: Any) -> None:
            started.append(self.state.global_step)
            if self.state.global_step == 2:
                disk.fill(leave=1_000_000)  # less than the weights
                threading.Timer(1.0, disk.free).start()
            save(self, model, trial)

        monkeypatch.setattr(training._Trainer, "_save_checkpoint", fill_and_save)
        folder = ResultsFolder(disk.path / "study")
        folder.create()
        there = dataclasses.replace(
            workplace, checkpoints=folder.checkpoints_path(config.trial_id), room=Room(((disk.path, 0.0),))
        )
        row = record_trial(run_trial, config, there, folder, on_progress=lambda progress: None)
        assert (row["status"], row.get("trace")) == ("complete", None)
        assert started == [1, 2, 3, 4]  # it waited where it was
        assert row["search_score"] == undisturbed.row["search_score"]
        assert row["perplexity"] == undisturbed.row["perplexity"]
        assert folder.read_trial(config.trial_id) is not None
        assert not folder.checkpoints_path(config.trial_id).exists()


def test_a_checkpoint_whose_deletion_was_cut_off_counts_as_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "1"
    checkpoints = Checkpoints(folder, size=1.0)
    for step in (1, 2):
        (folder / f"checkpoint-{step}").mkdir(parents=True)
        (folder / f"checkpoint-{step}" / PROGRESS_FILE).write_text("{}", encoding="utf-8")

    def be_killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", be_killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(3, lambda: None, None)
    assert checkpoints.last() == folder / "checkpoint-2"
    assert [path.name for path in folder.iterdir()] == ["checkpoint-2"]


def trained(config: TrialConfig, workplace: Workplace, until: int | None = None) -> dict[str, Any]:
    """Run a trial, or stop it at a step; return what must not depend on the faults on its way."""
    outcome = Outcome()

    def tell(progress: Any) -> None:
        if until is not None and progress.get("step", 0) >= until:
            raise KeyboardInterrupt

    run_trial(config, workplace, outcome, on_progress=tell)
    return {name: outcome.row[name] for name in ("search_score", "perplexity", "train_loss", "train_steps")}


def tear(path: Path, how: str) -> None:
    """Truncate a file to its half, or to nothing, fill it with zeros, or delete it."""
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"half": content[: len(content) // 2], "empty": b"", "zeros": bytes(len(content))}[how]
        )


def test_a_torn_checkpoint_falls_back_to_the_one_before(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    at_every_step: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = config_for("full", max_steps=4, stage="search")
    undisturbed = trained(config, workplace)
    here = dataclasses.replace(workplace, checkpoints=tmp_path / "left")
    with pytest.raises(KeyboardInterrupt):
        trained(config, here, until=4)
    files = {path.name for path in (tmp_path / "left/1/checkpoint-3").iterdir()}
    assert {
        "model.safetensors",
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
        "trainer_state.json",
    } < files
    for name, how in itertools.product(files, ("half", "empty", "zeros", "gone")):
        if how == "gone" and name in (CHECKSUMS_FILE, PROGRESS_FILE):
            continue  # an earlier version's, or one that was cut off
        torn = tmp_path / f"{name}-{how}"
        shutil.copytree(tmp_path / "left", torn)
        tear(torn / "1/checkpoint-3" / name, how)
        checkpoints = Checkpoints(torn / "1", size=1.0)
        capsys.readouterr()
        assert checkpoints.last() == torn / "1/checkpoint-2", name
        said = capsys.readouterr().out
        assert said.startswith(f"the checkpoint of step 3 is torn: {name} "), said
        assert said.endswith("; the training goes on from that of step 2\n"), said
        assert not (torn / "1/checkpoint-3").exists()
    # As the trial meets it: with one of two torn, and with both.
    tear(tmp_path / "left/1/checkpoint-3/optimizer.pt", "half")
    shutil.copytree(tmp_path / "left", tmp_path / "both")
    tear(tmp_path / "both/1/checkpoint-2/model.safetensors", "empty")
    for place, where in (("left", "goes on from that of step 2"), ("both", "starts anew")):
        assert trained(config, dataclasses.replace(workplace, checkpoints=tmp_path / place)) == undisturbed
        assert "optimizer.pt is not as it was written" in (said := capsys.readouterr().out)
        assert f"; the training {where}\n" in said


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(tmp_path: Path) -> None:
    """It recorded no checksums."""
    (tmp_path / "1/checkpoint-4").mkdir(parents=True)
    (tmp_path / "1/checkpoint-4" / PROGRESS_FILE).write_text('{"steps": 4}', encoding="utf-8")
    assert Checkpoints(tmp_path / "1", size=1.0).last() == tmp_path / "1/checkpoint-4"
