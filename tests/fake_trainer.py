"""A trainer that trains nothing: for the tests of what runs trials. It writes real rows and predictions.

Its accuracy is a function of the configuration alone, so two runs of a study must agree.
"""

from __future__ import annotations

import math
import os
import platform
import signal
import time
from typing import Any

from study.config import TrialConfig
from study.errors import Diverged
from study.trial.metrics import summarise
from study.trial.record import OnProgress, Outcome, SaveModel
from study.workplace import Workplace

QUESTIONS = 20
BEST_LEARNING_RATE = 3e-3


def run_trial(
    config: TrialConfig,
    workplace: Workplace,
    outcome: Outcome,
    *,
    on_progress: OnProgress,
    save_model: SaveModel | None = None,
) -> None:
    """Score by the distance of the learning rate from the best one."""
    print("in process", os.getpid())
    on_progress({"phase": "training", "step": 1, "steps": 1, "loss": 1.0})
    time.sleep(float(os.environ.get("FAKE_TRIAL_SECONDS", "0")))
    rate = config.learning_rate or 1.0
    correct = round(QUESTIONS * max(0.0, 1 - abs(math.log10(rate / BEST_LEARNING_RATE))))
    outcome.predictions += [_prediction(config, i, i < correct) for i in range(QUESTIONS)]
    outcome.row |= {**summarise(outcome.predictions), "train_seconds": 1.0, "missing": {}}


def with_qlora_behind(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Score QLoRA as if its learning rates were wrong; others well, a little apart by their seeds."""
    best = BEST_LEARNING_RATE * (8 if config.method == "qlora" else 1) * (1 + config.seed % 7 / 20)
    near = config.model_copy(update={"learning_rate": best if config.learning_rate else None})
    run_trial(near, workplace, outcome, **options)
    outcome.predictions[:] = [{**row, "trial": config.trial_id} for row in outcome.predictions]


def in_reported_steps(
    config: TrialConfig, workplace: Workplace, outcome: Outcome, *, on_progress: OnProgress, **options: Any
) -> None:
    """Report five steps of training, FAKE_STEP_SECONDS each, at 1,000 tokens a second by its own account."""
    pause = float(os.environ.get("FAKE_STEP_SECONDS", "0"))
    for step in range(1, 6):
        time.sleep(pause)
        costs = {"tokens": 1000 * step, "seconds": float(step)}
        row = {"step": step, "steps": 5, "loss": 3.0 / step, "learning_rate": 0.01, "validation_loss": None}
        on_progress({"phase": "training", **row, **costs})
    run_trial(config, workplace, outcome, on_progress=lambda progress: None, **options)


def with_a_bug_in_all(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Raise in every trial, after half a second."""
    time.sleep(0.5)
    raise RuntimeError("a bug in the trainer")


def with_a_bug_in_every_training(
    config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any
) -> None:
    """Raise where there is something to train."""
    if config.entry.is_trained:
        raise RuntimeError("a bug in the trainer")
    run_trial(config, workplace, outcome, **options)


def with_a_bug(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Raise in QLoRA trials."""
    if config.method == "qlora":
        raise RuntimeError("a bug in the trainer\nwith details")
    run_trial(config, workplace, outcome, **options)


def with_divergence(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Diverge."""
    raise Diverged("the training loss is nan at step 7")


def without_memory(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Run out of the host's memory."""
    raise MemoryError("no memory left")


def without_memory_for_tensors(
    config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any
) -> None:
    """Ask torch for more of the host's memory than there is."""
    import torch

    torch.empty(2**50)


def in_halves_only(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Run out of memory, half-way, with anything but halved batches."""
    if workplace.accumulation != 2:
        outcome.row["train_steps"] = 3
        raise MemoryError("no memory left")
    run_trial(config, workplace, outcome, **options)


def that_eats_memory(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Take memory in a QLoRA trial until the process is killed, unless batches are halved."""
    hoard = []
    greedy = config.method == "qlora" and config.variant == "main" and config.stage == "confirm"
    while greedy and workplace.accumulation == 1:
        hoard.append(b"x" * 100_000_000)
        time.sleep(0.05)
    run_trial(config, workplace, outcome, **options)


def in_earnest_with_a_checkpoint_at_every_step(
    config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any
) -> None:
    """Be the real trainer, which else saves every two minutes."""
    from study.trial import recorder, trial

    recorder.CHECKPOINT_SECONDS = 0.0
    trial.run_trial(config, workplace, outcome, **options)


def that_is_killed_once(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Kill the process of QLoRA's confirm trials, each at its first attempt."""
    assert workplace.checkpoints is not None
    attempted = workplace.checkpoints / "attempted"
    if config.method == "qlora" and config.stage == "confirm" and not attempted.exists():
        attempted.mkdir(parents=True)
        os.kill(os.getpid(), signal.SIGKILL)
    run_trial(config, workplace, outcome, **options)


def that_is_killed(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Kill the process of QLoRA trials, as the kernel does when memory is short."""
    if config.method == "qlora":
        os.kill(os.getpid(), signal.SIGKILL)
    run_trial(config, workplace, outcome, **options)


def in_steps(config: TrialConfig, workplace: Workplace, outcome: Outcome, **options: Any) -> None:
    """Take ten steps of a tenth of FAKE_TRIAL_SECONDS each, and go on from the last one that was saved."""
    import ray

    assert workplace.checkpoints is not None
    saved = workplace.checkpoints / "step"
    first = int(saved.read_text(encoding="utf-8")) if saved.is_file() else 0
    node = ray.get_runtime_context().get_node_id()
    print("from step", first, "on", platform.node(), "node", node, flush=True)
    workplace.checkpoints.mkdir(parents=True, exist_ok=True)
    for step in range(first, 10):
        options["on_progress"]({"phase": "training", "step": step + 1, "steps": 10, "loss": 1.0})
        time.sleep(float(os.environ.get("FAKE_TRIAL_SECONDS", "0")) / 10)
        saved.write_text(str(step + 1), encoding="utf-8")
    rate = config.learning_rate or 1.0
    correct = round(QUESTIONS * max(0.0, 1 - abs(math.log10(rate / BEST_LEARNING_RATE))))
    outcome.predictions += [_prediction(config, i, i < correct) for i in range(QUESTIONS)]
    outcome.row |= {**summarise(outcome.predictions), "train_seconds": 1.0, "missing": {}}


def _prediction(config: TrialConfig, i: int, correct: bool) -> dict[str, Any]:
    return {
        "trial": config.trial_id,
        "question_id": f"{i:016x}",
        "question": f"question {i}",
        "reference": f"#### {i}",
        "text": f"#### {i if correct else i + 1}",
        "reference_number": str(i),
        "number": str(i if correct else i + 1),
        "correct": correct,
        "correct_strict": correct,
        "correct_lenient": correct,
        "correct_lm_eval_strict": correct,
        "correct_lm_eval_flexible": correct,
        "rouge1": 0.5,
        "similarity": None,
        "nll": 2.0,
        "tokens": 4,
        "generated_tokens": 4,
    }
