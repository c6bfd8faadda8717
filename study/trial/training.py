"""The training loop: `Seq2SeqTrainer` around one model and one recipe. It knows no Ray.

What the caller learns while it runs comes through `on_log`. With a checkpoint folder, a training that was
cut off goes on from its last checkpoint, and ends bit for bit where it would have ended.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, Seq2SeqTrainer, Seq2SeqTrainingArguments, TrainerCallback

from study.errors import Diverged
from study.machine.scratch import scratch
from study.models.adapters import SECOND, load_adapters
from study.models.building import builder_of
from study.models.counting import count_parameters
from study.models.families import family_of
from study.models.shape import shape_of
from study.results.disk import checkpoint_bytes, tokenizer_bytes
from study.trial.checkpoints import PROGRESS_FILE, Checkpoints
from study.trial.evaluation import Likelihood, lengths_of
from study.trial.recorder import AfterSaving, Recorder
from study.trial.sampling import GroupedByLength
from study.trial.session import OnLog, Session, Training

LOGS_A_TRAINING = 20
# A loss so many times the first one, or that of guessing, is an explosion and no spike that passes.
EXPLODED = 4.0


def train(model: Any, session: Session, result: Training, on_log: OnLog) -> Likelihood | None:
    """Train `model` in place as the session says, filling `result` as it goes.

    Returns:
        The trained model's likelihood of the validation split, where it was taken; else None.

    Raises:
        Diverged: a batch's loss is not finite, or has exploded.
    """
    with _checkpoint_folder(session) as folder:
        checkpoints = _checkpoints(model, session, folder)
        recorder = Recorder(session, result, on_log, saves=checkpoints.kept > 0)
        trainer = _Trainer(
            result,
            checkpoints,
            model=model,
            args=_arguments(session, folder),
            train_dataset=session.examples.to_train,
            data_collator=family_of(model.config).collator(session.tokenizer, model),
            processing_class=session.tokenizer,
            callbacks=[recorder, *_after_saving(session)],
        )
        trainer.remove_callback(PrinterCallback)  # `Recorder` says the same, shorter
        last = checkpoints.last()
        if last is not None:
            _restore(result, last)
        if result.steps == session.recipe.steps:
            # transformers would take one more step from a checkpoint of the last one.
            trainer._load_from_checkpoint(str(last))
        else:
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
        _unprepare(model)
        return recorder.final


def _unprepare(model: Any) -> None:
    """Take off what accelerate leaves on a trained model: under bf16, autocast around its forward.

    Without the mark that it is prepared, the next phase's trainer puts the same on again.
    """
    for name in ("forward", "_original_forward", "_is_accelerate_prepared"):
        model.__dict__.pop(name, None)


@contextmanager
def _checkpoint_folder(session: Session) -> Iterator[Path]:
    with scratch("finetune-study-training") as place:
        folder = (session.workplace.checkpoints or place) / str(session.recipe.phase)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _checkpoints(model: Any, session: Session, folder: Path) -> Checkpoints:
    workplace = session.workplace
    size = checkpoint_bytes(count_parameters(model)[0], tokenizer_bytes(workplace.model.path))
    share = 0.0 if workplace.checkpoints is None else workplace.checkpoint_share
    return Checkpoints(folder, size, share, workplace.room)


def _after_saving(session: Session) -> list[TrainerCallback]:
    on_checkpoint = session.workplace.on_checkpoint
    return [] if on_checkpoint is None else [AfterSaving(on_checkpoint)]


def _arguments(session: Session, folder: Path) -> Seq2SeqTrainingArguments:
    config, recipe, workplace = session.config, session.recipe, session.workplace
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
        optim=builder_of(config).optimizer(config, workplace),
        bf16=session.precision == "bf16",
        use_cpu=not workplace.use_gpu,
        seed=config.seed,
        logging_steps=max(1, recipe.steps // LOGS_A_TRAINING),
        logging_nan_inf_filter=False,
        save_strategy="no",  # `Recorder` saves by the clock
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,  # which tokens are learnt is no argument of a model
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
        lengths = lengths_of(self.train_dataset, "input_ids")
        return GroupedByLength(lengths, batch, self.args.seed)

    def floating_point_ops(self, inputs: Any) -> int:
        """Return 0: nobody reads them, and counting the parameters anew at each step takes milliseconds."""
        return 0

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


def _restore(result: Training, checkpoint: Path) -> None:
    saved = json.loads((checkpoint / PROGRESS_FILE).read_text(encoding="utf-8"))
    for name, value in saved.items():
        setattr(result, name, value)
