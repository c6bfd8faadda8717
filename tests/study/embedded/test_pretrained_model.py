"""The shipped weights: small, half precision, loadable offline; and pre-training steps that repeat."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from study.embedded import DATA_DIR, MODEL_DIR
from study.embedded.batches import POOL_STEPS, Recipe, Tokens, draw_steps
from study.embedded.pretrain import learning_rate_factor, train


def test_the_weights_are_small_and_in_half_precision() -> None:
    file = MODEL_DIR / "model.safetensors"
    assert file.stat().st_size < 8_000_000
    with safe_open(str(file), framework="pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors} == {torch.float16}
    assert all(torch.isfinite(tensor).all() for tensor in tensors)
    assert 1_500_000 <= sum(tensor.numel() for tensor in tensors) <= 4_000_000


def test_the_untrained_answer_to_a_question_is_no_worked_solution() -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(MODEL_DIR))
    model = AutoModelForSeq2SeqLM.from_pretrained(str(MODEL_DIR), dtype=torch.float32).eval()
    lines = (DATA_DIR / "main" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:40]
    rows = [json.loads(line) for line in lines]
    batch = tokenizer([row["question"] for row in rows], padding=True, return_tensors="pt")
    with torch.inference_mode():
        ids = model.generate(**batch, max_new_tokens=48, do_sample=False)
    assert not any("####" in text for text in tokenizer.batch_decode(ids))


@pytest.fixture
def two_steps() -> Recipe:
    return Recipe(steps=2, processes=1, examples_first=24)


def test_two_pretraining_steps_give_the_same_weights_twice(two_steps: Recipe, tmp_path: Path) -> None:
    for name in ("first", "second"):
        train(0, two_steps, MODEL_DIR, tmp_path / name, meeting_file="")
    first, second = (
        torch.load(tmp_path / name / "training_state.pt", weights_only=True)["model"]
        for name in ("first", "second")
    )
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_resumed_run_reads_the_batches_of_an_unbroken_one(two_steps: Recipe) -> None:
    tokens = Tokens(MODEL_DIR)
    unbroken = draw_steps(tokens, two_steps, rank=0, start=0)
    for _ in range(POOL_STEPS):
        next(unbroken)
    resumed = draw_steps(tokens, two_steps, rank=0, start=POOL_STEPS)
    for (kind, batch), (other_kind, other) in zip(next(unbroken), next(resumed), strict=True):
        assert kind == other_kind
        assert torch.equal(batch.labels, other.labels)


def test_the_learning_rate_warms_up_stays_and_falls() -> None:
    recipe = Recipe(steps=1000)
    assert learning_rate_factor(0, recipe) < 0.01
    assert learning_rate_factor(500, recipe) == 1.0
    assert learning_rate_factor(999, recipe) == 0.02
