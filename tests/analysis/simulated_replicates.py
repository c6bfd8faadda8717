"""Simulated studies of whole searches: the results folders of both protocols, and folders of schema 1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tests.analysis.simulated import write_description
from tests.analysis.simulated_trials import (
    Questions,
    SimulatedArm,
    make_folders,
    make_questions,
    searched,
    trial_row,
    write_trial,
)

NEW_COLUMNS = (
    *("replicate", "search_origin", "trained_by", "train_compute_seconds"),
    *("source_tokenizer_fingerprint", "source_slots", "source_gpu_share"),
)
# A row that scores a kept model has no costs of training: they stand in the row that trained it.
UNTRAINED = ("train_seconds", "train_steps", "train_tokens", "train_loss", "train_compute_seconds")


@dataclass(frozen=True)
class Protocol:
    """What every arm does: whole searches, trials in each, seeds with which what it found is trained anew."""

    replicates: int = 5
    search_trials: int = 2
    confirm_seeds: int = 0


def write_replicates(
    root: Path,
    arms: Sequence[SimulatedArm],
    protocol: Protocol = Protocol(),
    *,
    questions: int = 100,
    seed: int = 0,
    topic: str = "apples",
    ran: Mapping[str, int] | None = None,
    **columns: Any,
) -> Path:
    """Write the folder of a study of replicates, and return it.

    Args:
        seed: the study's seed: another draws other replicates.
        ran: arm -> replicates that have run, where they are not all.
        columns: what else stands in study.json.
    """
    make_folders(root)
    asked = make_questions(topic, questions)
    for index, arm in enumerate(arms):
        generator = np.random.default_rng([seed, index])
        if arm.is_reference:
            write_trial(root, arm, trial_row(arm), asked, generator)
            continue
        for replicate in range((ran or {}).get(arm.name, protocol.replicates)):
            _write_replicate(root, arm, protocol, (seed, replicate), asked, generator)
    plan = {"replicates": protocol.replicates, "confirm_seeds": protocol.confirm_seeds}
    write_description(root, arms, (), protocol.search_trials, arm_plan=plan, seed=seed, **columns)
    return root


def _write_replicate(
    root: Path,
    arm: SimulatedArm,
    protocol: Protocol,
    place: tuple[int, int],
    questions: Questions,
    generator: np.random.Generator,
) -> None:
    """Write a replicate's search, and what it confirms; its place is the study's seed and its number."""
    study_seed, replicate = place
    own_seed = 10_000 * study_seed + 100 * replicate
    shift = float(generator.normal(0, arm.seed_sd)) if arm.seed_sd else 0.0
    best, best_score = {}, -1.0
    for number in range(protocol.search_trials):
        row = trial_row(arm, own_seed, replicate=replicate, **searched(number, generator))
        score = write_trial(root, arm, row, questions.of_validation, generator, shift=shift)
        if score > best_score:
            best, best_score = row, score
    chosen = {name: best[name] for name in ("rank", "learning_rate")}
    for number in range(max(protocol.confirm_seeds, 1)):
        columns = {**chosen, "replicate": replicate}
        if protocol.confirm_seeds == 0:
            columns |= {"trained_by": best["trial"], **dict.fromkeys(UNTRAINED)}
        row = trial_row(arm, own_seed + number, **columns)
        write_trial(root, arm, row, questions, generator, shift=shift)


def age(root: Path) -> Path:
    """Turn a folder of one search an arm into the shape of schema 1, and return it."""
    for path in (root / "trials").glob("*.parquet"):
        table = pq.read_table(path).drop_columns(list(NEW_COLUMNS))
        pq.write_table(table.replace_schema_metadata({"study_schema_version": "1"}), path)
    description = json.loads((root / "study.json").read_text(encoding="utf-8"))
    for name in ("compared", "replicates", "looks", "looks_taken", "extensions"):
        description.pop(name)
    for arm in description["arms"]:
        del arm["replicates"], arm["guesses"]
        arm["confirm_seeds"] = list(range(1, arm["confirm_seeds"] + 1))
        arm["ranges"] = {name: f"{range_['name']}(...)" for name, range_ in arm["ranges"].items()}
    (root / "study.json").write_text(json.dumps({**description, "schema_version": 1}), encoding="utf-8")
    return root
