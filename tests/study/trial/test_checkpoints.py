"""Real checkpoints of the tiny model: their number and size, and a disk that fills up in mid-training."""

import dataclasses
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
from study.trial.checkpoints import PROGRESS_FILE, Checkpoints
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
def most_at_once(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(checkpoints, their bytes) at the end of each save, when there are most of them."""
    seen: list[tuple[int, int]] = []
    delete = Checkpoints._delete_all_but

    def look(self: Checkpoints, newest: int) -> None:
        if newest == 1 and list(self.folder.iterdir()):
            trial = self.folder.parent
            seen.append((len(list(trial.glob("*/checkpoint-*"))), folder_bytes(trial)))
        delete(self, newest)

    monkeypatch.setattr(Checkpoints, "_delete_all_but", look)
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)
    return seen


@pytest.mark.parametrize(
    ("method", "shares", "most"),
    [("full", 2.5, 2), ("full", 1.5, 1), ("full", 0.5, 0), ("lora", 2.5, 2), ("stacked_lora", 2.5, 2)],
)
def test_checkpoints_keep_to_their_share_of_the_disk(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    most_at_once: list[tuple[int, int]],
    method: str,
    shares: float,
    most: int,
) -> None:
    config = config_for(method, max_steps=6, stage="search")
    trainable = run(config, workplace).row["trainable_parameters"]
    share = shares * checkpoint_bytes(trainable, tokenizer_bytes(workplace.model.path))
    there = dataclasses.replace(workplace, checkpoints=tmp_path, checkpoint_share=share)
    run(config, there)
    assert max((number for number, _ in most_at_once), default=0) == most
    assert max((size for _, size in most_at_once), default=0) <= share
    assert len(list(tmp_path.glob("1/checkpoint-*"))) == min(most, 1)


def test_a_short_training_writes_no_checkpoint(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    run(config_for("full", stage="search"), dataclasses.replace(workplace, checkpoints=tmp_path))
    assert list(tmp_path.glob("*/checkpoint-*")) == []


def test_a_disk_that_fills_up_in_mid_training_costs_nothing(
    config_for: Maker, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second checkpoint meets the end of the disk; so does whatever else is written until it is freed."""
    config = config_for("full", max_steps=4, stage="search")
    undisturbed = run(config, workplace)
    monkeypatch.setattr(room_module, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)
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
        row = record_trial(run_trial, config, there, folder, about={}, on_progress=lambda progress: None)
        assert (row["status"], row.get("trace")) == ("complete", None)
        assert started == [1, 2, 3, 4]  # it waited where it was
        assert row["search_score"] == undisturbed.row["search_score"]
        assert row["perplexity"] == undisturbed.row["perplexity"]
        assert folder.read_trial(config.trial_id) is not None
        assert not folder.checkpoints_path(config.trial_id).exists()


def test_a_checkpoint_whose_deletion_was_cut_off_counts_as_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path, size=1.0)
    for step in (1, 2):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / PROGRESS_FILE).write_text("{}", encoding="utf-8")

    def be_killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", be_killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints._delete_all_but(0)
    assert checkpoints.last() == tmp_path / "checkpoint-2"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]
