"""Trials on a GPU, for machines that have one: QLoRA with paged AdamW, bf16, device memory, shared GPUs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from study.config import TrialConfig
from study.results.folder import ResultsFolder
from study.trial import recorder
from study.trial.record import Outcome, record_trial
from study.trial.trial import run_trial
from study.workplace import Workplace
from tests.study.test_end_to_end import SHORT, run

Maker = Callable[..., TrialConfig]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")


@pytest.fixture
def on_gpu(workplace: Workplace) -> Workplace:
    return dataclasses.replace(workplace, use_gpu=True)


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    folder = ResultsFolder(tmp_path / "study")
    folder.create()
    return folder


def record(config: TrialConfig, workplace: Workplace, folder: ResultsFolder) -> dict[str, Any]:
    return record_trial(run_trial, config, workplace, folder, about={}, on_progress=lambda progress: None)


@pytest.mark.parametrize(
    ("changes", "optimizer"),
    [
        ({"method": "lora"}, "adamw_torch"),
        ({"method": "qlora"}, "paged_adamw_32bit"),
        ({"method": "qlora", "quantization": "int8"}, "paged_adamw_32bit"),
        ({"method": "full", "learning_rate": 1e-3}, "adamw_torch"),
        ({"method": "stacked_lora"}, "adamw_torch"),
        ({"method": "zero_shot"}, None),
    ],
)
def test_every_method_trains_in_bf16_on_a_gpu(
    config_for: Maker, on_gpu: Workplace, folder: ResultsFolder, changes: dict[str, Any], optimizer: str
) -> None:
    if changes["method"] != "zero_shot":
        changes = {**changes, "max_steps": 40}
    config = config_for(**changes)
    row = record(config, on_gpu, folder)
    assert row["status"] == "complete", row.get("trace")
    assert (row["source_device"], row["source_precision"]) == ("cuda", "bf16")
    assert torch.cuda.get_device_name() in row["source_machine"]
    assert row.get("source_optimizer") == optimizer
    assert 1e6 < row["peak_memory_bytes"] < torch.cuda.get_device_properties(0).total_memory
    if optimizer:
        history = folder.read_table("history", config.trial_id)
        assert history is not None
        losses = [step["loss"] for step in history.to_pylist() if step["phase"] == 1]
        assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize("method", ["qlora", "full"])
def test_a_training_goes_on_from_its_checkpoint_on_a_gpu(
    config_for: Maker, on_gpu: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    config = config_for(method, max_steps=12)
    whole = Outcome()
    run_trial(config, on_gpu, whole, on_progress=lambda progress: None)
    monkeypatch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)
    there = dataclasses.replace(on_gpu, checkpoints=tmp_path)

    def cut_off(progress: Any) -> None:
        if progress.get("step") == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(config, there, Outcome(), on_progress=cut_off)
    resumed, steps = Outcome(), []
    run_trial(config, there, resumed, on_progress=lambda progress: steps.append(progress.get("step")))
    assert min(step for step in steps if step) > 5
    losses = [[row["loss"] for row in outcome.history] for outcome in (whole, resumed)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_trial_that_exhausts_the_gpu_is_tried_once_more_in_halves(
    config_for: Maker, on_gpu: Workplace, folder: ResultsFolder
) -> None:
    config = config_for("full", batch_size=64, learning_rate=1e-4, evaluations=0)

    def reserved_bytes(accumulation: int) -> int:
        there = dataclasses.replace(on_gpu, accumulation=accumulation)
        assert record(config, there, folder)["status"] == "complete"
        return torch.cuda.max_memory_reserved()

    whole, halved = reserved_bytes(1), reserved_bytes(2)
    assert whole > 1.2 * halved
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((whole + halved) / 2 / total)
    try:
        row = record(config, on_gpu, folder)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert (row["status"], row["source_accumulation"]) == ("complete", 2), row.get("trace")


@pytest.mark.slow
def test_trials_that_share_a_gpu_run_to_the_table(tmp_path: Path) -> None:
    output, folder = run(tmp_path, *SHORT, "--gpus-per-trial", "0.25", "--set", "variant=main")
    rows = folder.read_trials()
    assert {row["status"] for row in rows} == {"complete"}
    assert {row["source_device"] for row in rows} == {"cuda"}
    assert folder.read_description()["slots"] == 4
    assert "GPU-hours" in output
    assert "qlora" in output.partition("accuracy %")[2]
