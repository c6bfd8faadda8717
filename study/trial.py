"""The trial: one training and evaluation, from a configuration to a row, its predictions and its history.

`run_trial` is the one shared trainer function of every method and every way of running (Ray, or alone);
it knows no Ray and writes no results. `record_trial` wraps it: whatever happens, a row with a status.
"""

from __future__ import annotations

import gc
import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import torch
from transformers import set_seed

from study.config import TRAINED_METHODS, TrialConfig
from study.evaluation import Answers, Likelihood, generate_answers, score_targets
from study.machine import PeakMemory, describe_machine, describe_versions, pick_precision, source_commit
from study.methods import build_model, count_parameters, optimizer_name, shipped_bytes
from study.metrics import score_answer, summarise
from study.models import load_tokenizer
from study.results import ResultsFolder
from study.similarity import SimilarityUnavailable, similarities
from study.tokenised import Examples, load_examples
from study.training import Diverged, Training, train
from study.workplace import Workplace

OnProgress = Callable[[Mapping[str, Any]], None]
SaveModel = Callable[[Any, Any], None]


@dataclass
class Outcome:
    """What a trial leaves behind: the columns of its row, its predictions and its history."""

    row: dict[str, Any] = field(default_factory=dict)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


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


def record_trial(
    config: TrialConfig,
    workplace: Workplace,
    folder: ResultsFolder,
    *,
    about: Mapping[str, Any],
    on_progress: OnProgress,
    save_model: SaveModel | None = None,
) -> dict[str, Any]:
    """Run a trial and write what it leaves behind into `folder`; return its row.

    Whatever the trial does becomes the row's status: only an interruption of the process itself gets out.

    Args:
        about: columns that only the study knows: study, space, profile, arm, search_number.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    outcome = Outcome()
    try:
        run_trial(config, workplace, outcome, on_progress=on_progress, save_model=save_model)
        status: dict[str, Any] = {"status": "complete"}
    except Exception as error:
        traceback.print_exc()  # into the trial's log
        status = describe_failure(error)
    finally:
        _free_memory()
    row = {
        **config_columns(config),
        **outcome.row,
        **status,
        **about,
        **_provenance(config, workplace),
        "started_at": started,
        "ended_at": datetime.now(UTC),
        "busy_seconds": time.perf_counter() - clock,
        "log": str(folder.log_path(config.trial_id).relative_to(folder.root)),
    }
    folder.finish_trial(row, outcome.predictions, outcome.history)
    return row


def describe_failure(error: BaseException) -> dict[str, Any]:
    """Return the status, the reason and the trace of a trial that ended in `error`."""
    if isinstance(error, Diverged):
        return {"status": "diverged", "reason": str(error)}
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return {"status": "out_of_memory", "reason": first, "trace": trace}
    return {"status": "failed", "reason": f"{type(error).__name__}: {first}", "trace": trace}


def config_columns(config: TrialConfig) -> dict[str, Any]:
    """Return the columns of a trial's row that its configuration alone decides."""
    same = (
        ("method", "quantization", "model", "variant", "prompt_style", "stage", "seed")
        + ("rank", "alpha", "lora_dropout", "target_modules", "learning_rate", "batch_size")
        + ("warmup_fraction", "weight_decay", "max_steps", "epochs", "split")
    )  # fmt: skip
    return {
        "trial": config.trial_id,
        **{name: getattr(config, name) for name in same},
        "config_json": config.model_dump_json(),
        "source_model_fingerprint": config.model_fingerprint,
        "source_data_fingerprint": config.data_fingerprint,
    }


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


def _provenance(config: TrialConfig, workplace: Workplace) -> dict[str, Any]:
    return {
        "source_commit": source_commit(),
        "source_versions": json.dumps(describe_versions(), sort_keys=True),
        "source_machine": describe_machine(),
        "source_device": "cuda" if workplace.use_gpu else "cpu",
        "source_threads": workplace.threads,
    }


def _free_memory() -> None:
    # A reused worker must not carry one trial's tensors into the next.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
