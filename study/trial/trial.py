"""The trial: one training and evaluation, from a configuration to its metrics, predictions and history.

`run_trial` is the one shared trainer function of every method and every way of running (Ray, or alone).
It knows no Ray and writes no results: `study.trial.record` does, around it.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from transformers import set_seed

from study.config import TrialConfig
from study.machine.hardware import PeakMemory, pick_precision
from study.models.building import build_model, builder_of
from study.models.counting import count_parameters, shipped_bytes
from study.models.decoding import decode_greedily
from study.models.loading import load_tokenizer
from study.quiet import quiet_libraries
from study.search.pruning import rung_losses
from study.sources.finding import fingerprint_tokenizer
from study.trial.evaluation import Likelihood, generate_answers, score_targets
from study.trial.floors import floor_answers
from study.trial.predictions import Output, fill_scores
from study.trial.recipe import recipe_of
from study.trial.record import OnProgress, Outcome, SaveModel
from study.trial.session import Session, Training
from study.trial.tokenised import Examples, load_examples
from study.trial.training import train
from study.workplace import Workplace

# The columns of a row that a training fills in.
TRAINING_COLUMNS = (
    ("train_seconds", "train_compute_seconds", "train_steps", "planned_steps", "train_tokens", "train_loss")
    + ("rung_losses", "train_questions", "code_rows", "source_optimizer")
)  # fmt: skip
# Split -> the column that counts the rows of it that a phase trained on.
_ROWS_OF = {"train": "train_questions", "code": "code_rows"}


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
            training with a row of the history, its phase as `part`, and that phase's `steps`. What it
            raises ends the trial.
        save_model: is called with the trained model and its tokenizer, if given.

    Raises:
        UserError: the model or the data can't be used.
        Diverged: the loss is not a number any more, or has exploded.
    """
    quiet_libraries()
    torch.set_num_threads(workplace.threads)
    set_seed(config.seed)
    outcome.row |= {"split": config.split, "truncated_sources": 0, "truncated_targets": 0, "missing": {}}
    on_progress({"phase": "loading"})
    scored = load_examples(config, workplace, config.split)
    _count_truncated(outcome, scored)
    if config.prompt_style == "python_code":
        outcome.row["without_program"] = scored.count("no_program")
    if config.entry.is_floor:
        texts = floor_answers(config, load_examples(config, workplace, "train"), scored)
        nothing = [None] * len(texts)
        output = Output(texts, nothing, nothing, nothing)
        outcome.row["missing"]["perplexity"] = "a floor has no model"
    else:
        output = _model_output(config, workplace, outcome, scored, on_progress, save_model)
    started = time.perf_counter()
    fill_scores(config, workplace, outcome, scored, output)
    outcome.row["evaluation_seconds"] = (
        outcome.row.get("evaluation_seconds", 0.0) + time.perf_counter() - started
    )


def _model_output(
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    scored: Examples,
    on_progress: OnProgress,
    save_model: SaveModel | None,
) -> Output:
    """Load, train and ask the model."""
    precision = pick_precision(config.precision, use_gpu=workplace.use_gpu)
    outcome.row["source_precision"] = precision
    outcome.row["source_tokenizer_fingerprint"] = fingerprint_tokenizer(workplace.model.path)
    with PeakMemory(use_gpu=workplace.use_gpu) as memory:
        tokenizer = load_tokenizer(workplace.model)
        model, known = _trained_model(config, workplace, outcome, tokenizer, precision, on_progress)
        if config.trained_by is not None:
            _leave_costs_to_its_training(config, outcome)
        trainable, total = count_parameters(model)
        outcome.row |= {
            "trainable_parameters": trainable,
            "total_parameters": total,
            "model_bytes": shipped_bytes(model, config),
        }
        if save_model is not None:
            save_model(model, tokenizer)
        on_progress({"phase": "scoring"})
        started = time.perf_counter()
        parts = workplace.scoring_parts
        # A search trial is scored on the split of its validation losses, of which the last is of this model.
        likelihood = known if config.split == "validation" else None
        likelihood = likelihood or score_targets(model, scored, tokenizer.pad_token_id, precision, parts)
        answers = generate_answers(model, tokenizer, scored, precision, config.max_target_tokens, parts)
    outcome.row |= {
        "peak_memory_bytes": memory.peak_bytes,
        "generated_tokens": sum(answers.tokens),
        "generation_seconds": answers.seconds,
        "evaluation_seconds": time.perf_counter() - started,
    }
    return Output(answers.texts, answers.tokens, likelihood.nll, likelihood.tokens)


def _trained_model(
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    tokenizer: Any,
    precision: str,
    on_progress: OnProgress,
) -> tuple[Any, Likelihood | None]:
    """Return the model to score, and its likelihood of the validation split if its training has taken it.

    It is the base as it is, one that is trained now, or one that was kept. Where a search trial's model is
    gone, it is trained again: the same configuration and seed give the same.
    """
    kept = workplace.kept_model(config.trained_by)
    if kept is not None:
        print(f"scoring the model of trial {config.trained_by}", flush=True)
        return builder_of(config).load_kept(config, workplace, kept), None
    model = build_model(config, workplace)
    decode_greedily(model, tokenizer)  # before any checkpoint: transformers refuses to save some settings
    if not config.entry.is_trained:
        return model, None
    return model, _train(model, tokenizer, config, workplace, outcome, precision, on_progress)


def _leave_costs_to_its_training(config: TrialConfig, outcome: Outcome) -> None:
    """Take the costs of a training out of the row of a trial that scores: they would count twice.

    There are some where the model was gone and had to be trained again.
    """
    for name in TRAINING_COLUMNS:
        outcome.row.pop(name, None)
    outcome.row["missing"]["train_seconds"] = f"trained by trial {config.trained_by}, whose row has its costs"


def _train(
    model: Any,
    tokenizer: Any,
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    precision: str,
    on_progress: OnProgress,
) -> Likelihood | None:
    """Train in the phases of the method: one, or for stacked LoRA two, the second on the code data.

    Returns:
        What the last phase's training returns, see `study.trial.training.train`.
    """
    likelihood = None
    validation = load_examples(config, workplace, "validation")
    phases = [(phase, load_examples(config, workplace, phase.split)) for phase in config.entry.phases]
    recipes = [recipe_of(config, phase, len(examples)) for phase, examples in phases]
    rows = {_ROWS_OF[phase.split]: len(examples) for phase, examples in phases}
    outcome.row |= {**rows, "planned_steps": sum(recipe.steps for recipe in recipes)}
    builder = builder_of(config)
    outcome.row["source_optimizer"] = builder.optimizer(config, workplace)
    for (phase, examples), recipe in zip(phases, recipes, strict=True):
        if phase.number > 1:
            set_seed(config.seed)  # the new adapter begins the same whether or not the last phase was resumed
            builder.begin_phase(model, config, phase)
        _count_truncated(outcome, examples)
        session = Session(config, workplace, recipe, precision, tokenizer, examples, validation)
        likelihood = _train_phase(model, session, outcome, on_progress)
    return likelihood


def _train_phase(
    model: Any, session: Session, outcome: Outcome, on_progress: OnProgress
) -> Likelihood | None:
    about = {"phase": "training", "part": session.recipe.phase}
    result = Training()
    try:
        return train(model, session, result, lambda row: on_progress({**row, **about}))
    finally:
        _add_training(outcome, session, result)


def _add_training(outcome: Outcome, session: Session, result: Training) -> None:
    """Add a phase's history and costs to the outcome."""
    config, workplace, recipe = session.config, session.workplace, session.recipe
    outcome.history += [{"trial": config.trial_id, **row} for row in result.history]
    row = outcome.row
    if recipe.phase == 1:
        row["rung_losses"] = rung_losses(result.history, recipe.steps)
    row["train_steps"] = row.get("train_steps", 0) + result.steps
    row["train_tokens"] = row.get("train_tokens", 0) + result.tokens
    row["train_seconds"] = row.get("train_seconds", 0.0) + result.seconds
    on_gpu = result.seconds * (workplace.gpu_share or 1.0)
    computed = on_gpu if workplace.use_gpu else result.processor_seconds
    row["train_compute_seconds"] = row.get("train_compute_seconds", 0.0) + computed
    row["train_loss"] = result.history[-1]["loss"] if result.history else None


def _count_truncated(outcome: Outcome, examples: Examples) -> None:
    for flag in ("truncated_source", "truncated_target"):
        outcome.row[f"{flag}s"] += examples.count(flag)
