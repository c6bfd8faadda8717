"""Simulated trials: rows, predictions and histories with the real schema, from an arm's known truth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from study.results.schema import TABLES

STARTED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SimulatedArm:
    """The truth about an arm: how often it is right, how much that varies, what it costs."""

    method: str = "lora"
    variant: str = "main"
    accuracy: float = 0.4
    seed_sd: float = 0.0
    nll: float = 30.0
    tokens: int = 20
    train_seconds: float = 30.0
    peak_memory_bytes: int = 500_000_000
    trainable_parameters: int | None = 294_912
    label: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.label or f"{self.method} {self.variant}"

    @property
    def is_reference(self) -> bool:
        return self.method == "zero_shot" or self.method.startswith("floor_")


def make_folders(root: Path) -> None:
    """Make the folders of a study."""
    for name in ("trials", "predictions", "history"):
        (root / name).mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Questions:
    """The questions of a split: what they are about, how hard each is (0-1), signs of a text's filling."""

    topic: str
    difficulty: np.ndarray
    text_length: int = 60

    @property
    def of_validation(self) -> Questions:
        """As many others, for the trials of a search."""
        return replace(self, topic=f"{self.topic} validation")


def make_questions(topic: str, count: int, text_length: int = 60) -> Questions:
    """Return questions of a topic: the same, and as hard, in every study."""
    return Questions(topic, np.random.default_rng(7).uniform(size=count), text_length)


def searched(number: int, generator: np.random.Generator) -> dict[str, Any]:
    """Return the columns of a search trial, its hyperparameters drawn."""
    rate, rank = 10 ** generator.uniform(-4, -1), 2 ** generator.integers(1, 6)
    place = {"stage": "search", "split": "validation", "search_number": number}
    return {**place, "search_origin": "random", "learning_rate": float(rate), "rank": int(rank)}


def trial_row(arm: SimulatedArm, seed: int = 1, **columns: Any) -> dict[str, Any]:
    """Return a confirm trial's row; `columns` replace what the arm says."""
    identity = hashlib.sha256(f"{arm.name}|{seed}|{sorted(columns.items())}".encode()).hexdigest()[:16]
    costs = {
        "trainable_parameters": arm.trainable_parameters,
        "train_seconds": arm.train_seconds * (1 + 0.02 * (seed % 5)),
        "evaluation_seconds": 5.0,
        "peak_memory_bytes": arm.peak_memory_bytes,
        "model_bytes": 1_200_000,
        "busy_seconds": arm.train_seconds + 6,
        "train_steps": 200,
        "planned_steps": 200,
    }
    row = {
        "trial": identity,
        "study": "simulated",
        "space": "simulated",
        "profile": "embedded",
        "arm": arm.name,
        "stage": "confirm",
        "status": "complete",
        "method": arm.method,
        "quantization": "nf4" if arm.method == "qlora" else "none",
        "model": "embedded",
        "variant": arm.variant,
        "prompt_style": "plain",
        "rank": None if arm.is_reference else 8,
        "learning_rate": None if arm.is_reference else 5e-3,
        "seed": seed,
        "split": "test",
        "started_at": STARTED,
        "ended_at": STARTED + timedelta(seconds=60 + seed),
        **({} if arm.is_reference else costs),
        **arm.columns,
    }
    return {**row, **columns}


def write_row(root: Path, row: Mapping[str, Any]) -> Path:
    """Write a trial's row alone, as a trial that failed leaves it."""
    return _write(root, "trials", row["trial"], pa.Table.from_pylist([dict(row)], schema=TABLES["trials"]))


def write_predictions(root: Path, trial: str, columns: Mapping[str, Any]) -> Path:
    """Write a trial's predictions from columns; those that are absent are null."""
    size = len(next(iter(columns.values())))
    schema = TABLES["predictions"]
    values = {"trial": [trial] * size, **columns}
    arrays = [
        pa.array(values[name], schema.field(name).type)
        if name in values
        else pa.nulls(size, schema.field(name).type)
        for name in schema.names
    ]
    return _write(root, "predictions", trial, pa.Table.from_arrays(arrays, schema=schema))


def write_history(root: Path, trial: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a trial's log steps."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=TABLES["history"])
    return _write(root, "history", trial, table)


def question_ids(topic: str, count: int) -> list[str]:
    """Return the ids of a topic's questions."""
    return [hashlib.sha256(f"{topic} {index}".encode()).hexdigest()[:16] for index in range(count)]


def _write(root: Path, table: str, trial: str, rows: pa.Table) -> Path:
    path = root / table / f"{trial}.parquet"
    pq.write_table(rows, path, compression="none")  # zstd doubles the time of a file this small
    return path


def write_trial(
    root: Path,
    arm: SimulatedArm,
    row: Mapping[str, Any],
    questions: Questions,
    generator: np.random.Generator,
    *,
    shift: float = 0.0,
) -> float:
    """Write a trial's row, predictions and history; return its accuracy (%); `shift` adds to the arm's."""
    count = len(questions.difficulty)
    # Half of what decides is the question, half is chance: right answers go together across the repeats.
    luck = 0.5 * questions.difficulty + 0.5 * generator.uniform(size=count)
    correct = luck < _quantile(float(np.clip(arm.accuracy + shift, 0, 1)))
    accuracy = 100 * float(correct.mean())
    write_predictions(root, row["trial"], _predictions(arm, correct, questions, generator))
    if not arm.is_reference and not row.get("trained_by"):
        write_history(root, row["trial"], _history(row["trial"], generator))
    write_row(root, {**row, "accuracy": accuracy, "search_score": accuracy, "questions": count})
    return accuracy


def _quantile(share: float) -> float:
    # The mean of two uniform numbers has a triangular distribution; this is its quantile.
    return float(np.sqrt(share / 2) if share < 0.5 else 1 - np.sqrt((1 - share) / 2))


def _predictions(
    arm: SimulatedArm, correct: np.ndarray, questions: Questions, generator: np.random.Generator
) -> dict[str, Any]:
    count, topic = len(correct), questions.topic
    numbers = [str(index % 50) for index in range(count)]
    said = [number if right else str(int(number) + 1) for number, right in zip(numbers, correct, strict=True)]
    filler = ("so many apples are left over and counted again " * 10)[: questions.text_length]
    return {
        "question_id": question_ids(topic, count),
        "question": [f"How many {topic} are there in box {index}?" for index in range(count)],
        "reference": [f"{filler}#### {number}" for number in numbers],
        "text": [f"{filler}#### {number}" for number in said],
        "reference_number": numbers,
        "number": said,
        "correct": correct,
        "correct_strict": correct,
        "correct_lenient": np.ones(count, bool),
        "rouge1": generator.uniform(0.4, 0.6, count),
        "similarity": generator.uniform(60, 80, count),
        **({} if arm.method.startswith("floor_") else _likelihood(arm, count, generator)),
    }


def _likelihood(arm: SimulatedArm, count: int, generator: np.random.Generator) -> dict[str, Any]:
    tokens = arm.tokens + np.arange(count) % 7
    return {"nll": generator.normal(arm.nll, 3, count).clip(1), "tokens": tokens, "generated_tokens": tokens}


def _history(trial: str, generator: np.random.Generator) -> list[dict[str, Any]]:
    steps = list(range(20, 201, 20))
    losses = [2.0 / (1 + step / 50) + float(generator.normal(0, 0.02)) for step in steps]
    return [
        {"trial": trial, "step": step, "loss": loss, "seconds": step / 10}
        | ({"validation_loss": loss + 0.1} if step % 100 == 0 else {})
        for step, loss in zip(steps, losses, strict=True)
    ]
