"""Simulated studies of other tasks than word problems: labels, a mean where less is better, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from study.results.schema import TABLES
from tests.analysis.simulated import write_description
from tests.analysis.simulated_trials import SimulatedArm, make_folders, question_ids, trial_row

LABELS = ("billing", "delivery", "other")
# A trial's predictions without the questions, and its scores.
Answers = tuple[dict[str, Any], dict[str, float]]


def score(name: str, kind: str = "share", **said: Any) -> dict[str, Any]:
    """Return a score as study.json has it."""
    given = {"name": name, "label": name.replace("_", " "), "column": name, "description": f"what {name} is"}
    ends = {"kind": kind, "unit": "%", "low": 0.0, "high": 100.0}
    return {**given, **ends, "lower_is_better": False, "is_aggregate": False, **said}


@dataclass(frozen=True)
class SimulatedTask:
    """A task, and how a trial of it answers: (skill, references, generator) -> its answers.

    Every third question is of the first of `groups`, the others of the second.
    """

    entry: Mapping[str, Any]
    answer: Callable[[float, np.ndarray, np.random.Generator], Answers]
    references: Sequence[str]
    groups: tuple[str | None, str | None] = (None, None)


def macro_f1(references: np.ndarray, answers: np.ndarray, labels: Sequence[str] = LABELS) -> float:
    """Return macro-F1 in %, as it is defined: a label that is never right has an F1 of 0."""
    figures = []
    for label in labels:
        hits = int(((references == label) & (answers == label)).sum())
        named = int((references == label).sum() + (answers == label).sum())
        figures.append(2 * hits / named if named else 0.0)
    return 100 * float(np.mean(figures))


def jackknife(references: np.ndarray, answers: np.ndarray, labels: Sequence[str] = LABELS) -> np.ndarray:
    """Return each question's value T + (n - 1) (M - T_i) of macro-F1 (`study.tasks.Aggregate`)."""
    count, whole = len(references), macro_f1(references, answers, labels)
    pairs = list(zip(references.tolist(), answers.tolist(), strict=True))
    # Without a question the score depends on its reference and its answer alone.
    without = {}
    for place, pair in enumerate(pairs):
        if pair not in without:
            kept = np.arange(count) != place
            without[pair] = macro_f1(references[kept], answers[kept], labels)
    left = np.array([without[pair] for pair in pairs])
    return whole + (count - 1) * (left.mean() - left)


def _classify(skill: float, references: np.ndarray, generator: np.random.Generator) -> Answers:
    known = generator.random(len(references)) < skill
    guesses = generator.choice([*LABELS, "none of these"], len(references), p=[0.5, 0.2, 0.2, 0.1])
    said = np.where(known, references, guesses).astype(object)
    correct = said == references
    read = [answer if answer in LABELS else None for answer in said]
    predictions = {
        "text": list(said),
        "answer": read,
        "correct": correct,
        "macro_f1": jackknife(references, said),
    }
    figures = {"accuracy": 100 * float(correct.mean()), "macro_f1": macro_f1(references, said)}
    return predictions, {**figures, "answered": 100 * float(np.mean([one is not None for one in read]))}


def _measure(skill: float, references: np.ndarray, generator: np.random.Generator) -> Answers:
    errors = np.abs(generator.normal(0, 4 * (1.05 - skill), len(references)))
    said = [f"{float(reference) + error:.1f}" for reference, error in zip(references, errors, strict=True)]
    predictions = {"text": said, "answer": said, "mean_error": errors}
    return predictions, {"mean_error": float(errors.mean()), "answered": 100.0}


def _extract(skill: float, references: np.ndarray, generator: np.random.Generator) -> Answers:
    right = generator.random(len(references)) < skill
    valid = right | (generator.random(len(references)) < 0.5)
    texts = [
        reference if is_right else '{"name": "nobody", "age": 3}' if is_valid else '{"name": '
        for reference, is_right, is_valid in zip(references, right, valid, strict=True)
    ]
    predictions = {
        "text": texts,
        "answer": [text if is_valid else None for text, is_valid in zip(texts, valid, strict=True)],
        "valid": valid,
        "exact_match": right,
        "field_f1": np.where(right, 100.0, np.where(valid, 40.0, 0.0)),
    }
    figures = {name: 100 * float(predictions[name].mean()) for name in ("valid", "exact_match")}
    return predictions, {**figures, "field_f1": float(predictions["field_f1"].mean()), "answered": 100.0}


def _entry(name: str, scores: Sequence[Mapping[str, Any]], primary: str, **said: Any) -> dict[str, Any]:
    given = {"name": name, "description": f"the task {name}", "primary": primary, "scores": list(scores)}
    return {**given, "comparison": "text", "is_labels": False, "labels": None, **said}


def _cycle(values: Sequence[str], count: int) -> list[str]:
    return [values[place % len(values)] for place in range(count)]


CLASSIFICATION = SimulatedTask(
    _entry(
        "classification",
        [
            score("accuracy", column="correct"),
            score("macro_f1", "mean", label="macro F1", is_aggregate=True),
        ],
        "macro_f1",
        comparison="label",
        is_labels=True,
        labels=list(LABELS),
    ),
    _classify,
    _cycle([*["billing"] * 5, *["delivery"] * 3, *["other"] * 2], 150),
    groups=("long", "short"),
)
MEASUREMENT = SimulatedTask(
    _entry(
        "lengths",
        [score("mean_error", "mean", unit="cm", high=None, lower_is_better=True)],
        "mean_error",
        comparison="number",
    ),
    _measure,
    _cycle([str(number) for number in range(10, 60)], 120),
)
EXTRACTION = SimulatedTask(
    _entry(
        "extraction",
        [score("valid"), score("exact_match"), score("field_f1", "mean", label="field F1")],
        "field_f1",
        comparison="json",
    ),
    _extract,
    _cycle([json.dumps({"name": f"person {age}", "age": age}) for age in range(40)], 100),
)
TASK_ARMS = (
    SimulatedArm(accuracy=0.8, seed_sd=0.02),
    SimulatedArm("qlora", accuracy=0.5, seed_sd=0.02),
    SimulatedArm("zero_shot", accuracy=0.1),
    SimulatedArm("few_shot", accuracy=0.3),
    SimulatedArm("rival_tfidf", accuracy=0.35),
    SimulatedArm("floor_commonest_answer", accuracy=0.0),
)
_TRAINED_NOTHING = ("zero_shot", "few_shot", "rival_tfidf")


def write_task_study(
    root: Path,
    task: SimulatedTask = CLASSIFICATION,
    arms: Sequence[SimulatedArm] = TASK_ARMS,
    *,
    replicates: int = 5,
    trials: int = 2,
    **description: Any,
) -> Path:
    """Write the folder of a study of whole searches and return it; `accuracy` is an arm's skill."""
    make_folders(root)
    for index, arm in enumerate(arms):
        generator = np.random.default_rng([index, 5])
        if _is_reference(arm):
            _write_trial(root, task, trial_row(arm), arm.accuracy, generator)
            continue
        for number in range(replicates):
            _write_replicate(root, task, arm, (number, trials), generator)
    trained = [arm for arm in arms if not _is_reference(arm)]
    plan = {"replicates": replicates, "confirm_seeds": 0}
    write_description(root, trained, (), trials, arm_plan=plan, task=dict(task.entry), **description)
    return root


def _is_reference(arm: SimulatedArm) -> bool:
    return arm.method in _TRAINED_NOTHING or arm.method.startswith("floor_")


def _write_replicate(
    root: Path,
    task: SimulatedTask,
    arm: SimulatedArm,
    place: tuple[int, int],
    generator: np.random.Generator,
) -> None:
    number, trials = place
    skill = float(np.clip(arm.accuracy + generator.normal(0, arm.seed_sd), 0, 1))
    rows = []
    for trial in range(trials):
        found = {"search_number": trial, "search_origin": "random", "rank": 2 ** (1 + trial)}
        row = trial_row(arm, number, stage="search", split="validation", replicate=number, **found)
        row |= {"learning_rate": 0.001 * (1 + trial + number), "train_steps": None}
        rows.append(_write_trial(root, task, row, skill, generator, of_validation=True))
    won = max(rows, key=lambda row: row["search_score"])
    chosen = {name: won[name] for name in ("rank", "learning_rate", "replicate")}
    row = trial_row(arm, number, **chosen, trained_by=won["trial"], train_steps=None)
    _write_trial(root, task, row, skill, generator)


def _write_trial(
    root: Path,
    task: SimulatedTask,
    row: Mapping[str, Any],
    skill: float,
    generator: np.random.Generator,
    *,
    of_validation: bool = False,
) -> dict[str, Any]:
    references = np.array(task.references, dtype=object)
    predictions, figures = task.answer(skill, references, generator)
    primary = next(one for one in task.entry["scores"] if one["name"] == task.entry["primary"])
    searched = figures[primary["name"]] * (-1 if primary["lower_is_better"] else 1)
    asked = {"questions": len(references), "search_score": searched}
    topic = "other" if of_validation else "it"
    write_answers(root, row["trial"], references, predictions, task, topic=topic)
    write_scored_row(root, {**row, **asked}, figures, task)
    return {**row, **figures, **asked}


def write_scored_row(
    root: Path, row: Mapping[str, Any], figures: Mapping[str, float], task: SimulatedTask
) -> None:
    """Write a trial's row with its scores, which are columns of their own."""
    named = {"task": task.entry["name"], "primary": task.entry["primary"], "template": "none", "shots": 0}
    added = {**named, **figures}
    fields = [field for field in TABLES["trials"] if field.name not in added]
    plain = {field.name: row.get(field.name) for field in fields}
    table = pa.Table.from_pylist([plain], schema=pa.schema(fields, metadata=TABLES["trials"].metadata))
    for name, value in added.items():
        kind = pa.string() if isinstance(value, str) else pa.int64() if name == "shots" else pa.float64()
        table = table.append_column(name, pa.array([value], kind))
    pq.write_table(table, root / "trials" / f"{row['trial']}.parquet", compression="none")


def write_answers(
    root: Path,
    trial: str,
    references: np.ndarray,
    predictions: Mapping[str, Any],
    task: SimulatedTask = CLASSIFICATION,
    *,
    topic: str = "it",
) -> None:
    """Write a trial's predictions."""
    count = len(references)
    columns = {
        "trial": [trial] * count,
        "question_id": question_ids(topic, count),
        "question": [f"What is {topic} about in message {place}?" for place in range(count)],
        "reference": list(references),
        "group": [task.groups[min(place % 3, 1)] for place in range(count)],
        "nll": np.full(count, 12.0),
        "tokens": np.full(count, 4),
        **predictions,
    }
    texts = ("answer", "group", "text", "reference")
    arrays = {
        name: pa.array(values, pa.string()) if name in texts else pa.array(values)
        for name, values in columns.items()
    }
    table = pa.table(arrays).replace_schema_metadata(TABLES["predictions"].metadata)
    pq.write_table(table, root / "predictions" / f"{trial}.parquet", compression="none")


def read_answers(root: Path, trials: Sequence[str]) -> list[pd.DataFrame]:
    """Return the predictions of trials."""
    return [pq.read_table(root / "predictions" / f"{trial}.parquet").to_pandas() for trial in trials]


def with_entry(task: SimulatedTask, **said: Any) -> SimulatedTask:
    """Return a task whose entry in study.json says something else."""
    return replace(task, entry={**task.entry, **said})
