"""Stacked LoRA: the first adapter is frozen and active, the second trains; both are kept and merged."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from study.config import TrialConfig
from study.models.adapters import FIRST, SECOND, stack_adapter
from study.models.building import build_base, build_model, with_all_adapters
from study.models.counting import count_parameters
from study.trial import recorder, training
from study.trial.record import Outcome
from study.trial.trial import run_trial
from study.winner.keeping import load_merged, saver
from study.workplace import Workplace

Maker = Callable[..., TrialConfig]


def run(config: TrialConfig, workplace: Workplace) -> tuple[Outcome, Any]:
    """Run a trial; return its outcome and the trained model."""
    outcome, kept = Outcome(), []
    run_trial(
        config,
        workplace,
        outcome,
        on_progress=lambda progress: None,
        save_model=lambda model, tokenizer: kept.append(model),
    )
    return outcome, kept[0]


def adapter(model: Any, name: str) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in model.named_parameters() if f".{name}." in n}


def logits(model: Any) -> torch.Tensor:
    inputs = torch.arange(3, 15).unsqueeze(0)
    with torch.no_grad():
        return model.eval()(input_ids=inputs, labels=inputs).logits


def test_both_adapters_of_the_paper_have_its_parameters(config_for: Maker) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = config_for("stacked_lora", rank=8, second_rank=8)
    with torch.device("meta"):
        model = with_all_adapters(T5ForConditionalGeneration(T5Config(vocab_size=32128)), config)
    assert count_parameters(model)[0] == 589_824
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 294_912


def test_the_second_phase_leaves_the_first_adapter_bit_for_bit(
    config_for: Maker, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: dict[str, torch.Tensor] = {}

    def stack(model: Any, config: TrialConfig) -> None:
        before.update(adapter(model, FIRST))
        stack_adapter(model, config)

    monkeypatch.setattr("study.models.building.stack_adapter", stack)
    outcome, model = run(config_for("stacked_lora"), workplace)
    after = adapter(model, FIRST)
    assert before
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert any(value.abs().sum() > 0 for name, value in adapter(model, SECOND).items() if "lora_B" in name)
    assert [row["phase"] for row in outcome.history] == [1] * 4 + [2] * 4
    assert all(row["grad_norm"] > 0 for row in outcome.history)


def test_the_first_adapter_is_active_under_the_second(config_for: Maker, workplace: Workplace) -> None:
    config = config_for("stacked_lora")
    model = build_model(config, workplace)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    alone = logits(model)
    stack_adapter(model, config)  # its B starts at zero
    assert torch.equal(logits(model), alone)
    assert not torch.allclose(alone, logits(build_base(config, workplace)))


def test_the_kept_adapters_merge_into_the_stacked_model(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    config = config_for("stacked_lora", learning_rate=5e-2, second_learning_rate=5e-2)
    _, model = run(config, workplace)
    from study.models.loading import load_tokenizer

    saver(tmp_path / "kept", config, workplace.model)(model, load_tokenizer(workplace.model))
    merged, _, same = load_merged(tmp_path / "kept")
    assert same == config
    assert torch.allclose(logits(merged), logits(model), atol=1e-4)
    assert not torch.allclose(logits(merged), logits(build_base(config, workplace)), atol=1e-3)


@pytest.mark.parametrize(
    ("method", "phase", "step"),
    [
        pytest.param("stacked_lora", 2, 6, marks=pytest.mark.slow),
        pytest.param("stacked_lora", 1, 6, marks=pytest.mark.slow),
        pytest.param("lora", 1, 6, marks=pytest.mark.slow),
        pytest.param("qlora", 1, 6, marks=pytest.mark.slow),
        pytest.param("full", 1, 6, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_was_cut_off_ends_as_one_that_was_not(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    phase: int,
    step: int,
) -> None:
    """Cut off after the checkpoint of step 5 of 8, in the second epoch, between two rows of the history."""
    monkeypatch.setattr(training, "LOGS_A_TRAINING", 3)
    changes: dict[str, Any] = {"max_steps": 8, "lora_dropout": 0.1, "stage": "search", "batch_size": 24}
    if method == "full":
        del changes["lora_dropout"]
    if method == "stacked_lora":
        changes["second_max_steps"] = 8
    config = config_for(method, **changes)
    whole, _ = run(config, workplace)

    class CutOff(Exception):
        pass

    step_of = recorder.Recorder.on_step_end

    def cut(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if (self._session.recipe.phase, state.global_step) == (phase, step):
            raise CutOff
        step_of(self, args, state, control, **kwargs)

    checkpointed = dataclasses.replace(workplace, checkpoints=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "on_step_end", cut)
        patch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(CutOff):
            run(config, checkpointed)
    # A save that was cut off, too, is survived.
    (tmp_path / str(phase) / "checkpoint-6").mkdir()
    resumed, _ = run(config, checkpointed)
    assert resumed.predictions == whole.predictions
    assert next(row["epoch"] for row in whole.history if (row["phase"], row["step"]) == (phase, 4)) >= 1
    steps = [row["step"] for row in whole.history if row["phase"] == phase]
    assert steps == [2, 4, 6, 8]
    assert [row["step"] for row in resumed.history] == [row["step"] for row in whole.history]
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    assert resumed.row["train_tokens"] == whole.row["train_tokens"]
