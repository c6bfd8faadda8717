"""The memory estimate: counted on a model without weights, within a quarter of the peaks of the zoo."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from study.cost.memory import _QUANTISED, scoring_bytes, weights_bytes
from study.cost.traced import trace_step
from study.models.shape import Shape

ROOT = Path(__file__).parents[3]
WIDTH, WORDS = 4, 10


class Toy(torch.nn.Module):
    """An embedding, a head, and a loss; `looks` asks for the values of a tensor."""

    def __init__(self, *, looks: bool = False, frozen: bool = False) -> None:
        super().__init__()
        self.config = SimpleNamespace(is_encoder_decoder=False)
        self.embedding = torch.nn.Embedding(WORDS, WIDTH)
        self.head = torch.nn.Linear(WIDTH, WORDS, bias=False)
        self.embedding.requires_grad_(not frozen)
        self._looks = looks

    def forward(self, input_ids: Any, labels: Any) -> Any:
        inside = self.embedding(input_ids)
        if self._looks:
            inside = inside[inside.sum(-1).nonzero()]
        logits = self.head(inside)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return SimpleNamespace(loss=loss, logits=logits)


def toy(**options: bool) -> Any:
    with torch.device("meta"):
        return Toy(**options)


def test_a_step_holds_what_is_kept_for_the_backward_pass_and_three_times_the_logits() -> None:
    rows, tokens = 64, 16
    step = trace_step(toy(), rows, tokens // 2, tokens // 2)
    assert step is not None
    inside, logits = (4 * rows * tokens * numbers for numbers in (WIDTH, WORDS))
    ids = 2 * 8 * rows * tokens
    assert inside + 3 * logits <= step.peak <= inside + 3 * logits + ids + 1000


def test_twice_the_rows_take_up_twice_as_much() -> None:
    once, twice = (trace_step(toy(), rows, 96, 32) for rows in (64, 128))
    assert once is not None
    assert twice is not None
    assert twice.peak == pytest.approx(2 * once.peak, rel=0.02)
    assert twice.holes == pytest.approx(2 * once.holes, rel=0.02)


def test_a_trace_leaves_no_gradient_behind() -> None:
    model = toy()
    trace_step(model, 2, 8, 8)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_whose_way_hangs_on_values_is_not_counted() -> None:
    assert trace_step(toy(looks=True), 2, 8, 8) is None


def test_weights_in_few_bits_stand_beside_their_file_on_a_cpu_and_alone_on_a_gpu() -> None:
    model = torch.nn.Module()
    model.add_module("inner", torch.nn.Linear(100, 100, bias=False))
    model.add_module("lm_head", torch.nn.Linear(100, 50, bias=False))
    whole = 4 * 15_000
    full = SimpleNamespace(quantization="none")
    assert weights_bytes(full, model, on_gpu=False) == whole  # type: ignore[arg-type]
    for bits, each in _QUANTISED.items():
        config: Any = SimpleNamespace(quantization=bits)
        assert weights_bytes(config, model, on_gpu=False) == whole + 10_000 * each
        assert weights_bytes(config, model, on_gpu=True) == 4 * 5_000 + 10_000 * each


def test_few_rows_are_scored_in_one_small_batch() -> None:
    shape = Shape(512, 2048, 6, 6, 8, 512, 32_128)
    assert scoring_bytes(shape, 96, 256, 4) == pytest.approx(scoring_bytes(shape, 96, 256, 8) / 2)


@pytest.mark.slow
def test_the_estimate_is_within_a_quarter_of_the_peak_over_some_of_the_zoo() -> None:
    families = ["Bloom", "OPT", "Marian"]
    command = [sys.executable, "-m", "benchmarks.memory", *families]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8")
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert sorted(row["kind"] for row in rows) == sorted(families)
    for row in rows:
        assert 0.75 <= row["ratio"] <= 1.25, row
        assert 0.75 <= row["ratio_of_whole"] <= 1.25, row
