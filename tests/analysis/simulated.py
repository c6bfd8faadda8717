"""Simulated studies: results folders with the real schema, from known truths; for tests and the benchmark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from study.results.schema import TABLES

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
FACTORS = ("method", "quantization", "model", "rank", "variant", "prompt_style", "annotations")


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


def write_study(
    root: Path,
    arms: Sequence[SimulatedArm] = (SimulatedArm(), SimulatedArm("qlora", accuracy=0.3)),
    *,
    questions: int = 60,
    seeds: Sequence[int] = (1, 2, 3),
    search_trials: int = 0,
    topic: str = "apples",
    seed: int = 0,
    profile: str = "embedded",
    finished: bool = True,
    text_length: int = 60,
) -> Path:
    """Write the folder of a study with one search an arm, and return it.

    The same questions for the same `topic` and number. `simulated_replicates` writes whole searches.
    """
    generator = np.random.default_rng(seed)
    make_folders(root)
    difficulty = question_difficulty(questions)
    for arm in arms:
        plan = [(None, 1)] if arm.is_reference else [(None, s) for s in seeds]
        plan += [] if arm.is_reference else [(number, 100 + number) for number in range(search_trials)]
        for number, trial_seed in plan:
            stage = searched(number, generator) if number is not None else {}
            replicate = None if arm.is_reference else 0
            row = trial_row(arm, trial_seed, profile=profile, replicate=replicate, **stage)
            asked = f"{topic}{'' if number is None else ' validation'}"
            shift = float(generator.normal(0, arm.seed_sd)) if arm.seed_sd else 0.0
            write_trial(root, arm, row, asked, difficulty, generator, shift=shift, text_length=text_length)
    trained = [arm for arm in arms if not arm.is_reference]
    write_description(root, trained, seeds, search_trials, profile, finished)
    return root


def make_folders(root: Path) -> None:
    """Make the folders of a study."""
    for name in ("trials", "predictions", "history"):
        (root / name).mkdir(parents=True, exist_ok=True)


def question_difficulty(questions: int) -> np.ndarray:
    """Return each question's difficulty, 0-1: the same in every study."""
    return np.random.default_rng(7).uniform(size=questions)


def searched(number: int, generator: np.random.Generator) -> dict[str, Any]:
    """Return the columns of a search trial, its hyperparameters drawn."""
    rate, rank = 10 ** generator.uniform(-4, -1), 2 ** generator.integers(1, 6)
    place = {"stage": "search", "split": "validation", "search_number": number}
    return {**place, "search_origin": "random", "learning_rate": float(rate), "rank": int(rank)}


def write_description(
    root: Path,
    arms: Sequence[SimulatedArm],
    seeds: Sequence[int],
    search_trials: int,
    profile: str = "embedded",
    finished: bool = True,
    **columns: Any,
) -> None:
    """Write study.json as `study` does; `columns` replace what stands in it, `arm_plan` what in every arm."""
    plan = {"search_trials": search_trials, "replicates": 1, "confirm_seeds": len(seeds)}
    plan |= columns.pop("arm_plan", {})
    description = {
        "schema_version": 2,
        "study": root.name,
        "space": {"name": "simulated", "question": "Which arm is right more often?"},
        "profile": profile,
        "seed": 0,
        "compared": ["method", "variant"],
        "replicates": plan["replicates"],
        "arms": [{**_describe_arm(arm), **(_UNTRAINED if arm.is_reference else plan)} for arm in arms],
        "looks": None,
        "looks_taken": [],
        "extensions": [],
        "slots": 2,
        "machine": {"processor": "simulated", "cores": 2},
        "versions": {"python": "3.11"},
        "commit": "0" * 40,
        "arguments": ["--space", "simulated"],
        "started_at": STARTED.isoformat(),
        "finished_at": STARTED.isoformat() if finished else None,
        "busy_share": 0.9,
    }
    (root / "study.json").write_text(json.dumps({**description, **columns}), encoding="utf-8")


_UNTRAINED = {"ranges": {}, "search_trials": 0, "replicates": 1, "confirm_seeds": 1}


def _describe_arm(arm: SimulatedArm) -> dict[str, Any]:
    columns = trial_row(arm)
    factors = {name: columns.get(name) for name in FACTORS}
    rate = {"log": True, "low": 1e-4, "high": 0.1, "step": None}
    rank = {"log": True, "low": 2, "high": 32, "step": 1}
    return {
        "label": arm.name,
        "slug": arm.name.replace(" ", "-"),
        "factors": factors,
        "values": {**factors, "max_steps": 200, "data_fingerprint": "d"},
        "ranges": {
            "rank": {"name": "IntDistribution", "attributes": rank},
            "learning_rate": {"name": "FloatDistribution", "attributes": rate},
        },
        "guesses": [],
    }


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
    pq.write_table(rows, path, compression="zstd")
    return path


def write_trial(
    root: Path,
    arm: SimulatedArm,
    row: Mapping[str, Any],
    topic: str,
    difficulty: np.ndarray,
    generator: np.random.Generator,
    *,
    shift: float = 0.0,
    text_length: int = 60,
) -> float:
    """Write a trial's row, predictions and history; return its accuracy (%); `shift` adds to the arm's."""
    count = len(difficulty)
    # Half of what decides is the question, half is chance: right answers go together across the repeats.
    luck = 0.5 * difficulty + 0.5 * generator.uniform(size=count)
    correct = luck < _quantile(float(np.clip(arm.accuracy + shift, 0, 1)))
    accuracy = 100 * float(correct.mean())
    write_predictions(root, row["trial"], _predictions(arm, correct, topic, text_length, generator))
    if not arm.is_reference and not row.get("trained_by"):
        write_history(root, row["trial"], _history(row["trial"], generator))
    write_row(root, {**row, "accuracy": accuracy, "search_score": accuracy, "questions": count})
    return accuracy


def _quantile(share: float) -> float:
    # The mean of two uniform numbers has a triangular distribution; this is its quantile.
    return float(np.sqrt(share / 2) if share < 0.5 else 1 - np.sqrt((1 - share) / 2))


def _predictions(
    arm: SimulatedArm, correct: np.ndarray, topic: str, text_length: int, generator: np.random.Generator
) -> dict[str, Any]:
    count = len(correct)
    numbers = [str(index % 50) for index in range(count)]
    said = [number if right else str(int(number) + 1) for number, right in zip(numbers, correct, strict=True)]
    filler = ("so many apples are left over and counted again " * 10)[:text_length]
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
