"""Results folders of whole searches whose choices, costs and conditions are known to the digit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.analysis.simulated import write_description
from tests.analysis.simulated_trials import (
    SimulatedArm,
    make_folders,
    question_ids,
    trial_row,
    write_history,
    write_predictions,
    write_row,
)

CONDITIONS = {
    "source_machine": "simulated, 2 cores",
    "source_device": "cpu",
    "source_threads": 1,
    "source_slots": 2,
    "source_tokenizer_fingerprint": "t1",
    "source_model_fingerprint": "m1",
    "source_data_fingerprint": "d1",
}
QUESTIONS = 120


def write_replicated(
    root: Path,
    arms: Sequence[SimulatedArm] = (SimulatedArm(), SimulatedArm("qlora", accuracy=0.2)),
    *,
    replicates: int = 5,
    trials: int = 2,
    confirm_seeds: int = 0,
    description: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> Path:
    """Write a finished study; `columns` replace those of every row, `description` those of study.json."""
    make_folders(root)
    study_seed = 100_000 * (description or {}).get("seed", 0)
    for arm in arms:
        arm = replace(arm, columns={**CONDITIONS, **arm.columns, **(columns or {})})
        generator = np.random.default_rng(3)  # the same proposals for every arm
        if arm.is_reference:
            _write_scored(root, arm, trial_row(arm, 1), arm.accuracy, generator)
            continue
        for number in range(replicates):
            _write_replicate(root, arm, number, study_seed + 10 * number, trials, confirm_seeds, generator)
    plan = {"replicates": replicates, "confirm_seeds": confirm_seeds}
    write_description(root, arms, (), trials, arm_plan=plan, **(description or {}))
    return root


def _write_replicate(
    root: Path,
    arm: SimulatedArm,
    number: int,
    own_seed: int,
    trials: int,
    confirm_seeds: int,
    generator: np.random.Generator,
) -> None:
    rows = []
    for trial in range(trials):
        # By turns below and above the truth, so that the winner's validation score is too good.
        score = 100 * arm.accuracy + (3 if trial == trials - 1 else -3) + number % 3
        parameters = {
            "rank": int(2 ** generator.integers(1, 6)) if trial else 8,
            "learning_rate": float(10 ** generator.uniform(-3, -1.7)) if trial else 0.006,
        }
        origin = "random" if trial else "guess"
        search = {"stage": "search", "split": "validation", "search_number": trial, "search_origin": origin}
        row = trial_row(arm, 1000 + own_seed, replicate=number, **search, **parameters)
        row |= {"accuracy": score, "search_score": score, "train_compute_seconds": arm.train_seconds}
        row |= arm.columns
        write_row(root, row)
        log = {"trial": row["trial"], "loss": 1.0}
        write_history(root, row["trial"], [{**log, "step": step} for step in (10, 20)])
        rows.append(row)
    won = max(rows, key=lambda row: row["search_score"])
    chosen = {name: won[name] for name in ("rank", "learning_rate", "replicate")}
    for seed in range(confirm_seeds):
        row = trial_row(arm, 5000 + own_seed + seed, **chosen)
        row["train_compute_seconds"] = arm.train_seconds
        _write_scored(root, arm, row, arm.accuracy, generator)
    if not confirm_seeds:
        row = trial_row(arm, won["seed"], **chosen, trained_by=won["trial"])
        # Of scoring, which is not what a reader takes it for.
        row |= {"train_seconds": None, "train_compute_seconds": None, "train_steps": None}
        row |= {"peak_memory_bytes": 77, "busy_seconds": 5.0}
        _write_scored(root, arm, row, arm.accuracy, generator)


def _write_scored(
    root: Path, arm: SimulatedArm, row: dict[str, Any], accuracy: float, generator: np.random.Generator
) -> None:
    correct = generator.random(QUESTIONS) < accuracy + generator.normal(0, arm.seed_sd)
    tokens = arm.tokens + np.arange(QUESTIONS) % 5
    columns = {
        "question_id": question_ids("apples", QUESTIONS),
        "question": [f"How many apples are there in box {index}?" for index in range(QUESTIONS)],
        "reference": [f"so many {arm.variant} apples #### {index}" for index in range(QUESTIONS)],
        "text": ["#### 7"] * QUESTIONS,
        "number": ["7"] * QUESTIONS,
        "correct": correct,
        "correct_strict": correct,
        "correct_lenient": correct,
        "rouge1": generator.uniform(0.4, 0.6, QUESTIONS),
    }
    if not arm.method.startswith("floor_"):
        columns |= {"nll": generator.normal(arm.nll, 3, QUESTIONS).clip(1), "tokens": tokens}
    write_predictions(root, row["trial"], columns)
    write_row(root, {**row, "accuracy": 100 * float(correct.mean()), "questions": QUESTIONS})
