"""A trial's predictions, each answer beside its reference with its scores, and the metrics from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from study.config import TrialConfig
from study.data.rendering import task_row
from study.data.store import open_problems
from study.rows.problems import Problem
from study.trial.metrics import summarise
from study.trial.record import Outcome
from study.trial.scoring import score_outputs
from study.trial.similarity import SimilarityUnavailable, similarities
from study.trial.tokenised import Examples
from study.workplace import Workplace


@dataclass(frozen=True)
class Output:
    """What is scored: an answer to each question, and where a model gave it, its likelihood of the target."""

    texts: Sequence[str]
    tokens: Sequence[int | None]
    nll: Sequence[float | None]
    target_tokens: Sequence[int | None]


def fill_scores(
    config: TrialConfig, workplace: Workplace, outcome: Outcome, examples: Examples, output: Output
) -> None:
    """Fill in the predictions and the metrics."""
    task = workplace.task.task
    similarity, reason = _similarity(config, workplace, output.texts, examples.rows["target"])
    if reason:
        outcome.row["missing"]["similarity"] = reason
    rows = _task_rows(config, workplace, examples)
    scored = score_outputs(task, output.texts, rows)
    for i, row in enumerate(rows):
        outcome.predictions.append(
            {
                "trial": config.trial_id,
                "question_id": row["question_id"],
                "question": row["question"],
                "group": row.get("group"),
                "reference": row["target"],
                "text": output.texts[i],
                "reference_number": row["reference_number"],
                **scored[i],
                "similarity": similarity[i],
                "nll": output.nll[i],
                "tokens": output.target_tokens[i],
                "generated_tokens": output.tokens[i],
            }
        )
    metrics = summarise(outcome.predictions, task, config.primary)
    outcome.row |= metrics
    outcome.row["missing"] |= {
        score.name: score.undefined
        for score in task.scores
        if score.undefined and metrics[score.name] is None
    }


def _task_rows(config: TrialConfig, workplace: Workplace, examples: Examples) -> list[dict[str, Any]]:
    """Return the scored rows as the task's functions are given them, with what is recorded of them."""
    task = workplace.task.task
    labels = open_problems(config, workplace).labels() if task.is_labels else ()
    names = ("question_id", "question", "answer", "extra", "target", "reference_number")
    return [
        {
            **task_row(Problem(row["question"], row["answer"] or row["target"], row["extra"]), task, labels),
            **{name: row[name] for name in ("question_id", "target", "reference_number")},
            "prompt_style": config.prompt_style,
        }
        for row in examples.rows.select_columns([*names])
    ]


def _similarity(
    config: TrialConfig, workplace: Workplace, texts: Sequence[str], references: Sequence[str]
) -> tuple[Sequence[float | None], str | None]:
    """Return (similarity of each text or None, why there is none)."""
    nothing: list[float | None] = [None] * len(texts)
    if not workplace.task.task.similarity:
        return nothing, "the task does not ask for it"
    if config.stage == "search":
        return nothing, "not computed in the search stage, which does not rank by it"
    try:
        return [*similarities(texts, references, workplace.cache)], None
    except SimilarityUnavailable as error:
        return nothing, str(error)
