"""The training loop: `Seq2SeqTrainer` around one model and one recipe. It knows no Ray.

What the caller learns while it runs comes through `on_log`. With a checkpoint folder, a training that was
cut off goes on from its last checkpoint, and ends bit for bit where it would have ended.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, Seq2SeqTrainer, Seq2SeqTrainingArguments, TrainerCallback

from study.config import TrialConfig
from study.errors import Diverged
from study.machine.scratch import scratch
from study.models.families import family_of
from study.models.methods import SECOND, count_parameters, load_adapters, optimizer_name
from study.models.shape import shape_of
from study.results.disk import checkpoint_bytes, tokenizer_bytes
from study.trial.checkpoints import PROGRESS_FILE, Checkpoints
from study.trial.evaluation import score_targets
from study.trial.recipe import Recipe
from study.trial.sampling import GroupedByLength
from study.trial.tokenised import Examples
from study.workplace import Workplace

LOGS_A_TRAINING = 20
# At most so much of a training is lost to a fault. Shorter trainings have no checkpoint.
CHECKPOINT_SECONDS = 120.0
# A loss so many times the first one, or that of guessing, is an explosion and no spike that passes.
EXPLODED = 4.0

OnLog = Callable[[dict[str, Any]], None]


@dataclass
class Training:
    """What a phase leaves behind.

    Attributes:
        history: rows of the history table, without the trial's id.
        steps: optimizer steps taken.
        seconds: wall time of the loop, validation losses included.
        processor_seconds: processor time of this process in the loop, all its threads together.
        tokens: tokens trained on, padding not counted.
        first_loss: the loss of the first batch, nats a token; None before it.
        losses: those of the batches since the last row of `history`, added up, and their number.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    tokens: int = 0
    first_loss: float | None = None
    losses: tuple[float, int] = (0.0, 0)

    def add_loss(self, loss: float) -> None:
        """Take in a batch's loss, nats a token."""
        total, batches = self.losses
        self.losses = (total + loss, batches + 1)

    def take_mean_loss(self) -> float:
        """Return the mean loss since the last call."""
        (total, batches), self.losses = self.losses, (0.0, 0)
        return total / batches


def train(
    model: Any,
    tokenizer: Any,
    config: TrialConfig,
    recipe: Recipe,
    workplace: Workplace,
    examples: Examples,
    validation: Examples,
    *,
    result: Training,
    precision: str,
    on_log: OnLog,
) -> None:
    """Train `model` in place by `recipe`, filling `result` as it goes.

    Raises:
        Diverged: a batch's loss is not finite, or has exploded.
    """
    with _checkpoint_folder(workplace, recipe) as folder:
        size = checkpoint_bytes(count_parameters(model)[0], tokenizer_bytes(workplace.model.path))
        share = 0.0 if workplace.checkpoints is None else workplace.checkpoint_share
        checkpoints = Checkpoints(folder, size, share, workplace.room)
        recorder = _Recorder(
            *(config, recipe, validation, tokenizer, precision, result, on_log),
            saves=checkpoints.kept > 0,
            parts=workplace.scoring_parts,
        )
        trainer = _Trainer(
            result,
            checkpoints,
            model=model,
            args=_arguments(config, recipe, workplace, precision, folder),
            train_dataset=examples.rows.select_columns(["input_ids", "labels"]),
            data_collator=family_of(model.config).collator(tokenizer, model),
            processing_class=tokenizer,
            callbacks=[
                recorder,
                *([_AfterSaving(workplace.on_checkpoint)] if workplace.on_checkpoint else []),
            ],
        )
        trainer.remove_callback(PrinterCallback)  # `_Recorder` says the same, shorter
        last = checkpoints.last()
        if last is not None:
            _restore(result, last)
        if result.steps == recipe.steps:
            # transformers would take one more step from a checkpoint of the last one.
            trainer._load_from_checkpoint(str(last))
        else:
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
        _unprepare(model)


def _unprepare(model: Any) -> None:
    """Take off what accelerate leaves on a trained model: under bf16, autocast around its forward.

    Without the mark that it is prepared, the next phase's trainer puts the same on again.
    """
    for name in ("forward", "_original_forward", "_is_accelerate_prepared"):
        model.__dict__.pop(name, None)


@contextmanager
def _checkpoint_folder(workplace: Workplace, recipe: Recipe) -> Iterator[Path]:
    with scratch("finetune-study-training") as place:
        folder = (workplace.checkpoints or place) / str(recipe.phase)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _arguments(
    config: TrialConfig, recipe: Recipe, workplace: Workplace, precision: str, folder: Path
) -> Seq2SeqTrainingArguments:
    assert config.batch_size is not None
    return Seq2SeqTrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=config.batch_size // workplace.accumulation,
        gradient_accumulation_steps=workplace.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config.warmup_fraction * recipe.steps),
        weight_decay=config.weight_decay,
        optim=optimizer_name(config, workplace),
        bf16=precision == "bf16",
        use_cpu=not workplace.use_gpu,
        seed=config.seed,
        logging_steps=max(1, recipe.steps // LOGS_A_TRAINING),
        logging_nan_inf_filter=False,
        save_strategy="no",  # `_Recorder` saves by the clock
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=workplace.use_gpu,
    )


class _Trainer(Seq2SeqTrainer):
    """Orders the rows, counts the tokens it trains on, and resumes stacked LoRA with both its adapters."""

    def __init__(self, result: Training, checkpoints: Checkpoints, **arguments: Any):
        super().__init__(**arguments)
        # A peft model takes any argument, but T5 under it ignores the number of items to divide its loss by:
        # transformers, believing otherwise, would add up the losses of micro-batches undivided.
        self.model_accepts_loss_kwargs = False
        self._result, self._checkpoints = result, checkpoints

    def _get_train_sampler(self, train_dataset: Any = None) -> GroupedByLength:
        # Rows of similar length share a batch: less padding, the same recipe.
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps
        lengths = [len(ids) for ids in self.train_dataset["input_ids"]]
        return GroupedByLength(lengths, batch, self.args.seed)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        write = super()._save_checkpoint
        self._checkpoints.save(self.state.global_step, lambda: write(model, trial), self._result)

    def training_step(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
        tokens = inputs["attention_mask"].sum()
        if model.config.is_encoder_decoder:  # elsewhere the target stands in the input
            tokens = tokens + (inputs["labels"] != -100).sum()
        self._result.tokens += int(tokens)
        loss = super().training_step(model, inputs, *arguments, **options)
        mean = float(loss) * self.args.gradient_accumulation_steps
        self._check_loss(mean)
        self._result.add_loss(mean)
        return loss

    def _check_loss(self, loss: float) -> None:
        """Raise `Diverged` at the step whose loss shows it."""
        step = self.state.global_step + 1
        if not math.isfinite(loss):
            raise Diverged(f"the training loss is {loss} at step {step}")
        if self._result.first_loss is None:
            self._result.first_loss = loss
        limit = EXPLODED * max(self._result.first_loss, math.log(shape_of(self.model.config).vocabulary))
        if loss > limit:
            raise Diverged(f"the training loss is {loss:.1f} at step {step}, above {limit:.1f}: it exploded")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # With two active adapters, transformers would load and activate the first alone, and train it again.
        stacked = model if model is not None else self.model
        if SECOND not in getattr(stacked, "peft_config", {}):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        load_adapters(stacked, Path(resume_from_checkpoint))


class _Recorder(TrainerCallback):
    """Takes validation losses at even intervals, and keeps the history and the checkpoints' progress."""

    def __init__(
        self,
        config: TrialConfig,
        recipe: Recipe,
        validation: Examples,
        tokenizer: Any,
        precision: str,
        result: Training,
        on_log: OnLog,
        *,
        saves: bool,
        parts: int,
    ):
        self._recipe, self._validation, self._precision = recipe, validation, precision
        self._evaluations, self._pad = config.evaluations, tokenizer.pad_token_id
        self._result, self._on_log, self._saves, self._parts = result, on_log, saves, parts
        self._validation_loss: float | None = None
        self._clock = self._saved = time.perf_counter()
        self._processor_clock = time.process_time()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # After a resume the clocks go on from the checkpoint's.
        self._start_clocks()

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        self._result.steps = state.global_step
        if state.global_step in _evaluation_steps(self._evaluations, state.max_steps):
            likelihood = score_targets(model, self._validation, self._pad, self._precision, self._parts)
            self._validation_loss = likelihood.nll_per_token
            control.should_log = True
        if self._saves and time.perf_counter() - self._saved >= CHECKPOINT_SECONDS:
            self._seconds()
            control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        # transformers' own mean would leave out what was trained before a resume.
        loss = self._result.take_mean_loss()
        row = {
            "phase": self._recipe.phase,
            "step": state.global_step,
            "epoch": state.epoch,
            "loss": loss,
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": _float_or_none(logs.get("grad_norm")),
            "validation_loss": self._validation_loss,
            "seconds": self._seconds(),
        }
        print(f"step {state.global_step} of {state.max_steps}: loss {loss:.4f}", flush=True)
        self._validation_loss = None
        self._result.history.append(row)
        self._on_log({**row, "steps": state.max_steps, "tokens": self._result.tokens})

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # Neither the save nor a wait for room on the disk is training.
        self._saved = time.perf_counter()
        self._start_clocks()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._seconds()

    def _start_clocks(self) -> None:
        self._clock = time.perf_counter() - self._result.seconds
        self._processor_clock = time.process_time() - self._result.processor_seconds

    def _seconds(self) -> float:
        self._result.seconds = time.perf_counter() - self._clock
        self._result.processor_seconds = time.process_time() - self._processor_clock
        return self._result.seconds


class _AfterSaving(TrainerCallback):
    """Says that a checkpoint is whole; comes after `_Recorder`, which writes its last file."""

    def __init__(self, on_checkpoint: Callable[[], None]):
        self._on_checkpoint = on_checkpoint

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._on_checkpoint()


def _restore(result: Training, checkpoint: Path) -> None:
    saved = json.loads((checkpoint / PROGRESS_FILE).read_text(encoding="utf-8"))
    for name, value in saved.items():
        setattr(result, name, value)


def _evaluation_steps(evaluations: int, steps: int) -> set[int]:
    return {round(steps * (i + 1) / evaluations) for i in range(evaluations)}


def _float_or_none(value: Any) -> float | None:
    return None if value is None else float(value)
