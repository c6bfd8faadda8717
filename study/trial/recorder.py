"""What a training says and keeps while it runs: its losses, step by step, and when a checkpoint is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from study.trial.evaluation import Likelihood, score_targets
from study.trial.session import OnLog, Session, Training

# At most so much of a training is lost to a fault. Shorter trainings have no checkpoint.
CHECKPOINT_SECONDS = 120.0


class Recorder(TrainerCallback):
    """Takes validation losses at even intervals, and keeps the history and the checkpoints' progress.

    Attributes:
        final: the likelihood of the validation split, where it was taken after the last step; None elsewhere.
    """

    final: Likelihood | None = None

    def __init__(self, session: Session, result: Training, on_log: OnLog, *, saves: bool):
        self._session, self._result, self._on_log, self._saves = session, result, on_log, saves
        self._validation_loss: float | None = None
        self._clock = self._saved = time.perf_counter()
        self._processor_clock = time.process_time()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clocks: after a resume they go on from the checkpoint's."""
        self._start_clocks()

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Take a validation loss and ask for a checkpoint where one is due."""
        self._result.steps = state.global_step
        if state.global_step in _evaluation_steps(self._session.config.evaluations, state.max_steps):
            likelihood = self._score_validation(model)
            self._validation_loss = likelihood.nll_per_token
            self.final = likelihood if state.global_step == state.max_steps else None
            control.should_log = True
        if self._saves and time.perf_counter() - self._saved >= CHECKPOINT_SECONDS:
            self._seconds()
            control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Add a row to the history: the mean loss since the last one."""
        if not logs or "loss" not in logs:
            return
        # transformers' own mean would leave out what was trained before a resume.
        loss = self._result.take_mean_loss()
        row = {
            "phase": self._session.recipe.phase,
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
        """Go on with the clocks: neither the save nor a wait for room on the disk is training."""
        self._saved = time.perf_counter()
        self._start_clocks()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop the clocks."""
        self._seconds()

    def _score_validation(self, model: Any) -> Likelihood:
        session = self._session
        pad, parts = session.tokenizer.pad_token_id, session.workplace.scoring_parts
        return score_targets(model, session.validation, pad, session.precision, parts)

    def _start_clocks(self) -> None:
        self._clock = time.perf_counter() - self._result.seconds
        self._processor_clock = time.process_time() - self._result.processor_seconds

    def _seconds(self) -> float:
        self._result.seconds = time.perf_counter() - self._clock
        self._result.processor_seconds = time.process_time() - self._processor_clock
        return self._result.seconds


class AfterSaving(TrainerCallback):
    """Says that a checkpoint is whole; comes after `Recorder`, which writes its last file."""

    def __init__(self, on_checkpoint: Callable[[], None]):
        self._on_checkpoint = on_checkpoint

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say so."""
        self._on_checkpoint()


def _evaluation_steps(evaluations: int, steps: int) -> set[int]:
    return {round(steps * (i + 1) / evaluations) for i in range(evaluations)}


def _float_or_none(value: Any) -> float | None:
    return None if value is None else float(value)
