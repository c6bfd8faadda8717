"""Scoring fits where training fits: batches by what they take up, halved where memory runs out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from study.config import TrialConfig
from study.machine.memory import is_out_of_memory
from study.models.building import build_model
from study.models.loading import load_tokenizer
from study.models.shape import Shape, shape_of
from study.results.folder import ResultsFolder
from study.trial import batches, evaluation
from study.trial.batches import generation_bytes, likelihood_bytes, rows_that_fit, run_in_batches
from study.trial.evaluation import generate_answers, score_targets
from study.trial.record import Outcome, record_trial
from study.trial.tokenised import load_examples
from study.trial.trial import run_trial
from study.workplace import Workplace

Maker = Callable[..., TrialConfig]

# Gemma 3, 270 million parameters.
LARGE_VOCABULARY = Shape(640, 2048, 0, 18, 4, 256, 262_144)
T5_SMALL = Shape(512, 2048, 6, 6, 8, 512, 32_128)


def test_a_large_vocabulary_is_scored_in_small_batches() -> None:
    row = likelihood_bytes(LARGE_VOCABULARY, 96, 256)
    assert row > 256 * 262_144 * 4
    rows = rows_that_fit(row, 32)
    assert 1 <= rows < 8
    assert rows * row < 3e9
    assert rows_that_fit(1e12, 32) == 1


def test_a_small_model_is_answered_as_many_at_once_as_ever() -> None:
    assert rows_that_fit(generation_bytes(T5_SMALL, 96, 256), batches.GENERATION_ROWS) == 200
    assert rows_that_fit(generation_bytes(T5_SMALL, 96, 256), batches.GENERATION_ROWS, parts=2) < 200


def test_every_row_is_run_once_in_batches_that_fit() -> None:
    seen: list[Sequence[int]] = []
    sizes = [1e9, 1e9, 1e9, 1e9, 2e9, 5e9]
    run_in_batches(range(6), sizes, seen.append, most=3)
    assert [[*rows] for rows in seen] == [[0, 1, 2], [3], [4], [5]]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("none left"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
        torch.OutOfMemoryError("CUDA out of memory"),
    ],
    ids=["python", "cpu", "driver", "cuda"],
)
def test_a_batch_that_runs_out_of_memory_is_run_again_in_halves(error: Exception) -> None:
    seen: list[Sequence[int]] = []

    def run(rows: Sequence[int]) -> None:
        if len(rows) > 2:
            raise error
        seen.append(rows)

    run_in_batches(range(9), [1.0] * 9, run, most=8)
    assert [i for rows in seen for i in rows] == [*range(9)]
    assert max(map(len, seen)) == 2


def test_a_single_row_that_does_not_fit_is_told_and_so_is_any_other_error() -> None:
    def run(rows: Sequence[int]) -> None:
        raise MemoryError("none left") if rows[0] == 0 else ValueError("a bug")

    with pytest.raises(MemoryError):
        run_in_batches(range(4), [1.0] * 4, run, most=4)
    with pytest.raises(ValueError, match="a bug"):
        run_in_batches(range(1, 4), [1.0] * 4, run, most=4)
    assert not is_out_of_memory(ValueError("the dog is out of memory"))


def test_how_rows_are_put_together_changes_nothing(
    config_for: Maker, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for("zero_shot")
    model, tokenizer = build_model(config, workplace), load_tokenizer(workplace.model)
    examples = load_examples(config, workplace, "test")
    whole = score_targets(model, examples, 0, "fp32")
    answers = generate_answers(model, tokenizer, examples, "fp32", 8)
    monkeypatch.setattr(batches, "SCORING_BYTES", 2 * likelihood_bytes(shape_of(model.config), 60, 24))
    small = score_targets(model, examples, 0, "fp32")
    assert small.tokens == whole.tokens
    assert small.nll == pytest.approx(whole.nll, rel=1e-6)
    assert generate_answers(model, tokenizer, examples, "fp32", 8).texts == answers.texts


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Memory for three rows at once in scoring; the numbers of rows that were tried."""
    tried: list[int] = []
    real = evaluation.run_in_batches

    def run_in_batches(order: Any, sizes: Any, run: Any, **options: Any) -> None:
        def short(rows: Sequence[int]) -> None:
            tried.append(len(rows))
            if len(rows) > 3:
                raise MemoryError("none left")
            run(rows)

        real(order, sizes, short, **options)

    monkeypatch.setattr(evaluation, "run_in_batches", run_in_batches)
    return tried


@pytest.mark.slow
def test_a_trial_whose_scoring_runs_out_of_memory_goes_on_in_smaller_batches(
    config_for: Maker, workplace: Workplace, scarce: list[int]
) -> None:
    outcome = Outcome()
    run_trial(config_for("lora", precision="fp32"), workplace, outcome, on_progress=lambda progress: None)
    assert outcome.row["questions"] == 24
    assert (max(scarce), scarce[-1]) == (24, 3)


@pytest.mark.parametrize(("phase", "attempts"), [("loading", 2), ("training", 2), ("scoring", 1)])
def test_halved_training_batches_are_no_cure_where_scoring_runs_out_of_memory(
    config_for: Maker, workplace: Workplace, tmp_path: Path, phase: str, attempts: int
) -> None:
    folder, seen = ResultsFolder(tmp_path / "study"), []
    folder.create()

    def trainer(config: Any, workplace: Workplace, outcome: Any, *, on_progress: Any, **options: Any) -> None:
        seen.append(workplace.accumulation)
        on_progress({"phase": phase})
        raise MemoryError("none left")

    row = record_trial(trainer, config_for("lora"), workplace, folder, on_progress=lambda progress: None)
    assert (row["status"], len(seen)) == ("out_of_memory", attempts)
    assert row["source_accumulation"] == seen[-1] == attempts
