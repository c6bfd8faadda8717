"""Simulated studies: results folders with the real schema, from known truths; for tests and the benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.analysis.simulated_trials import (
    STARTED,
    SimulatedArm,
    make_folders,
    make_questions,
    searched,
    trial_row,
    write_row,
    write_trial,
)

STUDY_ARMS = (
    SimulatedArm("floor_echo", accuracy=0.0),
    SimulatedArm("zero_shot", accuracy=0.02),
    SimulatedArm(),
    SimulatedArm("qlora", accuracy=0.2),
)
FACTORS = ("method", "quantization", "model", "rank", "variant", "prompt_style", "annotations")


@dataclass(frozen=True)
class OneSearch:
    """How a study of one search an arm was done.

    Attributes:
        questions: how many; the same ones for the same `topic` and number.
        seeds: of the confirm trials; `search_trials` come before them.
        seed: of what is drawn here.
        text_length: signs that an answer's text is filled up to.
    """

    questions: int = 60
    seeds: Sequence[int] = (1, 2, 3)
    search_trials: int = 0
    topic: str = "apples"
    seed: int = 0
    profile: str = "embedded"
    finished: bool = True
    text_length: int = 60


def write_study(
    root: Path,
    arms: Sequence[SimulatedArm] = (SimulatedArm(), SimulatedArm("qlora", accuracy=0.3)),
    **done: Any,
) -> Path:
    """Write the folder of a study with one search an arm, and return it.

    `done` are values of `OneSearch`. `simulated_replicates` writes whole searches.
    """
    study = OneSearch(**done)
    generator = np.random.default_rng(study.seed)
    make_folders(root)
    asked = make_questions(study.topic, study.questions, study.text_length)
    for arm in arms:
        for row in _rows(arm, study, generator):
            shift = float(generator.normal(0, arm.seed_sd)) if arm.seed_sd else 0.0
            of_row = asked.of_validation if row["stage"] == "search" else asked
            write_trial(root, arm, row, of_row, generator, shift=shift)
    trained = [arm for arm in arms if not arm.is_reference]
    write_description(root, trained, study.seeds, study.search_trials, study.profile, study.finished)
    return root


def _rows(arm: SimulatedArm, study: OneSearch, generator: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield an arm's rows, the confirm trials first, each drawn when the one before it is written."""
    if arm.is_reference:
        yield trial_row(arm, 1, profile=study.profile, replicate=None)
        return
    for seed in study.seeds:
        yield trial_row(arm, seed, profile=study.profile, replicate=0)
    for number in range(study.search_trials):
        drawn = searched(number, generator)
        yield trial_row(arm, 100 + number, profile=study.profile, replicate=0, **drawn)


def write_slowed(root: Path, **columns: Any) -> None:
    """Write a study of three seeds of one configuration, two of them beside other work."""
    write_study(root, [], questions=5)
    for seed, wall in ((1, 13.0), (2, 33.0), (3, 246.0)):
        times = {"train_seconds": wall, "train_compute_seconds": 12.5 + seed / 10}
        write_row(root, trial_row(SimulatedArm(), seed, **{**times, **columns}))


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
