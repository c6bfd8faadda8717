"""The trial: one training and evaluation, from a configuration to its metrics, predictions and history.

`run_trial` is the one shared trainer function of every method and every way of running (Ray, or alone).
It knows no Ray and writes no results: `study.record` does, around it.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import set_seed

from study.config import TRAINED_METHODS, TrialConfig
from study.evaluation import Answers, Likelihood, generate_answers, score_targets
from study.machine import PeakMemory, pick_precision
from study.methods import build_model, count_parameters, optimizer_name, shipped_bytes
from study.metrics import score_answer, summarise
from study.models import load_tokenizer
from study.quiet import quiet_libraries
from study.record import OnProgress, Outcome, SaveModel
from study.similarity import SimilarityUnavailable, similarities
from study.tokenised import Examples, load_examples
from study.training import Training, train
from study.workplace import Workplace


def run_trial(
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    *,
    on_progress: OnProgress,
    save_model: SaveModel | None = None,
) -> None:
    """Train and evaluate one configuration, filling `outcome` as far as it comes.

    Args:
        config: what to do.
        workplace: where to do it.
        outcome: is filled in; after an exception it holds what was known by then.
        on_progress: is called now and then with `phase` ("loading", "training", "scoring"), and while
            training with `step`, `steps` and `loss`.
        save_model: is called with the trained model and its tokenizer, if given.

    Raises:
        UserError: the model or the data can't be used.
        Diverged: the loss is not a number any more.
    """
    quiet_libraries()
    torch.set_num_threads(workplace.threads)
    set_seed(config.seed)
    precision = pick_precision(config.precision, use_gpu=workplace.use_gpu)
    outcome.row |= {"source_precision": precision, "split": config.split}
    on_progress({"phase": "loading"})
    with PeakMemory(use_gpu=workplace.use_gpu) as memory:
        tokenizer = load_tokenizer(workplace.model)
        model = build_model(config, workplace)
        trainable, total = count_parameters(model)
        outcome.row |= {
            "trainable_parameters": trainable,
            "total_parameters": total,
            "model_bytes": shipped_bytes(model, config),
        }
        if config.method in TRAINED_METHODS:
            _train(model, tokenizer, config, workplace, outcome, precision, on_progress)
        if save_model is not None:
            save_model(model, tokenizer)
        on_progress({"phase": "scoring"})
        started = time.perf_counter()
        scored = load_examples(config, workplace, config.split)
        _count_truncated(outcome, scored)
        likelihood = score_targets(model, scored, tokenizer.pad_token_id, precision)
        answers = generate_answers(model, tokenizer, scored, precision, config.max_target_tokens)
    outcome.row["peak_memory_bytes"] = memory.peak_bytes
    _score(config, workplace, outcome, scored, likelihood, answers)
    outcome.row["evaluation_seconds"] = time.perf_counter() - started


def _train(
    model: Any,
    tokenizer: Any,
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    precision: str,
    on_progress: OnProgress,
) -> None:
    examples = load_examples(config, workplace, "train")
    validation = load_examples(config, workplace, "validation")
    _count_truncated(outcome, examples)
    outcome.row |= {
        "train_questions": len(examples),
        "source_optimizer": optimizer_name(config, workplace),
    }
    result = Training()
    try:
        train(
            model,
            tokenizer,
            config,
            workplace,
            examples,
            validation,
            result=result,
            precision=precision,
            on_log=lambda row: on_progress({"phase": "training", **row}),
        )
    finally:
        outcome.history += [{"trial": config.trial_id, **row} for row in result.history]
    outcome.row |= {
        "train_steps": result.steps,
        "train_tokens": result.tokens,
        "train_seconds": result.seconds,
        "train_loss": result.history[-1]["loss"] if result.history else None,
    }


def _score(
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    examples: Examples,
    likelihood: Likelihood,
    answers: Answers,
) -> None:
    similarity, reason = _similarity(config, workplace, answers.texts, examples.rows["target"])
    for i, row in enumerate(examples.rows):
        outcome.predictions.append(
            {
                "trial": config.trial_id,
                "question_id": row["question_id"],
                "question": row["question"],
                "reference": row["target"],
                "text": answers.texts[i],
                "reference_number": row["reference_number"],
                **score_answer(answers.texts[i], row["target"], row["reference_number"]),
                "similarity": similarity[i],
                "nll": likelihood.nll[i],
                "tokens": likelihood.tokens[i],
                "generated_tokens": answers.tokens[i],
            }
        )
    outcome.row |= {
        **summarise(outcome.predictions),
        "missing": {"similarity": reason} if reason else {},
        "generated_tokens": sum(answers.tokens),
        "generation_seconds": answers.seconds,
    }


def _similarity(
    config: TrialConfig, workplace: Workplace, texts: list[str], references: list[str]
) -> tuple[list[float | None], str | None]:
    """Return (similarity of each text or None, why there is none)."""
    nothing: list[float | None] = [None] * len(texts)
    if config.stage == "search":
        return nothing, "not computed in the search stage, which does not rank by it"
    try:
        return [*similarities(texts, references, workplace.cache)], None
    except SimilarityUnavailable as error:
        return nothing, str(error)


def _count_truncated(outcome: Outcome, examples: Examples) -> None:
    for column, flag in (
        ("truncated_sources", "truncated_source"),
        ("truncated_targets", "truncated_target"),
    ):
        outcome.row[column] = outcome.row.get(column, 0) + examples.count(flag)
