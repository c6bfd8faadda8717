"""The training loop: `Seq2SeqTrainer` around one model and one recipe. It knows no Ray.

What the caller learns while it runs comes through `on_log`.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from transformers import (
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)

from study.config import TrialConfig
from study.errors import Diverged
from study.evaluation import score_targets
from study.methods import optimizer_name
from study.tokenised import Examples
from study.workplace import Workplace

LOGS_A_TRIAL = 20

OnLog = Callable[[dict[str, Any]], None]


@dataclass
class Training:
    """What a training leaves behind.

    Attributes:
        history: rows of the history table, without the trial's id.
        steps: optimizer steps taken.
        seconds: wall time of the loop, validation losses included.
        tokens: source and target tokens trained on, padding not counted.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0


def train(
    model: Any,
    tokenizer: Any,
    config: TrialConfig,
    workplace: Workplace,
    examples: Examples,
    validation: Examples,
    *,
    result: Training,
    precision: str,
    on_log: OnLog,
) -> None:
    """Train `model` in place by the recipe of `config`, filling `result` as it goes.

    Raises:
        Diverged: a logged loss is not finite.
    """
    steps = total_steps(config, len(examples))
    with tempfile.TemporaryDirectory(prefix="finetune-study-") as folder:
        trainer = _CountingTrainer(
            result,
            model=model,
            args=_arguments(config, workplace, steps, precision, folder),
            train_dataset=examples.rows.select_columns(["input_ids", "labels"]),
            data_collator=DataCollatorForSeq2Seq(tokenizer, model=model, pad_to_multiple_of=8),
            processing_class=tokenizer,
            callbacks=[_Recorder(config, validation, tokenizer.pad_token_id, precision, result, on_log)],
        )
        started = time.perf_counter()
        trainer.train()
        result.seconds = time.perf_counter() - started
        result.steps = trainer.state.global_step


def total_steps(config: TrialConfig, questions: int) -> int:
    """Return the optimizer steps of a trial's budget."""
    if config.max_steps is not None:
        return config.max_steps
    assert config.epochs is not None
    assert config.batch_size is not None
    return max(1, math.ceil(config.epochs * math.ceil(questions / config.batch_size)))


def _arguments(
    config: TrialConfig, workplace: Workplace, steps: int, precision: str, folder: str
) -> Seq2SeqTrainingArguments:
    return Seq2SeqTrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config.warmup_fraction * steps),
        weight_decay=config.weight_decay,
        optim=optimizer_name(config, workplace),
        bf16=precision == "bf16",
        use_cpu=not workplace.use_gpu,
        seed=config.seed,
        data_seed=config.seed,
        # Rows of similar length share a batch: less padding, the same recipe.
        train_sampling_strategy="group_by_length",
        logging_steps=max(1, steps // LOGS_A_TRIAL),
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=workplace.use_gpu,
    )


class _CountingTrainer(Seq2SeqTrainer):
    """Counts the tokens it trains on, padding left out."""

    def __init__(self, result: Training, **arguments: Any):
        super().__init__(**arguments)
        self._result = result

    def training_step(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
        self._result.tokens += int(inputs["attention_mask"].sum() + (inputs["labels"] != -100).sum())
        return super().training_step(model, inputs, *arguments, **options)


class _Recorder(TrainerCallback):
    """Takes validation losses at even intervals, keeps the history, and stops a diverged run."""

    def __init__(
        self,
        config: TrialConfig,
        validation: Examples,
        pad: int,
        precision: str,
        result: Training,
        on_log: OnLog,
    ):
        self._config, self._validation, self._pad, self._precision = config, validation, pad, precision
        self._result, self._on_log = result, on_log
        self._validation_loss: float | None = None
        self._started = time.perf_counter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step in _evaluation_steps(self._config.evaluations, state.max_steps):
            likelihood = score_targets(model, self._validation, self._pad, self._precision)
            self._validation_loss = likelihood.nll_per_token
            control.should_log = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        row = {
            "step": state.global_step,
            "epoch": state.epoch,
            "loss": loss,
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": _float_or_none(logs.get("grad_norm")),
            "validation_loss": self._validation_loss,
            "seconds": time.perf_counter() - self._started,
        }
        self._validation_loss = None
        self._result.history.append(row)
        self._on_log({**row, "steps": state.max_steps})
        if not math.isfinite(loss):
            raise Diverged(f"the training loss is {loss} at step {state.global_step}")


def _evaluation_steps(evaluations: int, steps: int) -> set[int]:
    return {round(steps * (i + 1) / evaluations) for i in range(evaluations)}


def _float_or_none(value: Any) -> float | None:
    return None if value is None else float(value)
