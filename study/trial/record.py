"""Recording a trial: whatever it does, a row with a status is written, with what it left behind.

It knows neither Ray nor a model: the trainer is a function that it calls.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from study.config import TrialConfig
from study.errors import Diverged, Pruned
from study.machine.hardware import describe_machine, describe_versions, source_commit
from study.machine.memory import free_memory, is_out_of_memory
from study.machine.room import Room, print_reason, when_there_is_room
from study.results.folder import ResultsFolder
from study.results.score_columns import score_fields
from study.search.pruning import RungLosses, prune_above
from study.workplace import Workplace

OnProgress = Callable[[Mapping[str, Any]], None]
SaveModel = Callable[[Any, Any], None]


@dataclass
class Outcome:
    """What a trial leaves behind: the columns of its row, its predictions and its history."""

    row: dict[str, Any] = field(default_factory=dict)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


class RunTrial(Protocol):
    """A trainer: see `study.trial.trial.run_trial`."""

    def __call__(
        self,
        config: TrialConfig,
        workplace: Workplace,
        outcome: Outcome,
        *,
        on_progress: OnProgress,
        save_model: SaveModel | None = None,
    ) -> None:
        """Fill `outcome`; an exception becomes the trial's status."""


@dataclass(frozen=True)
class StudyContext:
    """What only the study knows of a trial.

    Attributes:
        about: columns of its row: study, space, profile, and those of an `Assignment`.
        cutoffs: the losses above which early stopping ends it, see `study.search.pruning`.
    """

    about: Mapping[str, Any] = field(default_factory=dict)
    cutoffs: RungLosses = ()


def record_trial(
    run: RunTrial,
    config: TrialConfig,
    workplace: Workplace,
    folder: ResultsFolder,
    *,
    on_progress: OnProgress,
    save_model: SaveModel | None = None,
    context: StudyContext = StudyContext(),
) -> dict[str, Any]:
    """Run a trial and write what it leaves behind into `folder`; return its row.

    Whatever the trial does becomes the row's status: only an interruption of the process itself gets out.
    A trial that runs out of memory while it trains has a second attempt, with smaller micro-batches (scoring
    halves its batches itself). On a full disk it waits for room, however long that takes.

    Args:
        run: the trainer: `study.trial.trial.run_trial`, or another of its kind.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    phase = _Phase(prune_above(context.cutoffs, on_progress))

    def attempt(workplace: Workplace) -> tuple[Outcome, dict[str, Any]]:
        def fill(outcome: Outcome) -> None:
            run(config, workplace, outcome, on_progress=phase, save_model=save_model)

        return _attempt(fill, workplace.room, on_progress)

    outcome, status = attempt(workplace)
    parts = fewest_parts(config)
    trains = workplace.kept_model(config.trained_by) is None and phase.name != "scoring"
    if status["status"] == "out_of_memory" and trains and workplace.accumulation < parts:
        print(f"out of memory: once more, each batch in {parts} parts", file=sys.stderr)
        workplace = replace(workplace, accumulation=parts)
        outcome, status = attempt(workplace)
    row = {
        **config_columns(config),
        **outcome.row,
        **status,
        **context.about,
        **_provenance(workplace),
        "rung_cutoffs": list(context.cutoffs) or None,
        "started_at": started,
        "ended_at": datetime.now(UTC),
        "busy_seconds": time.perf_counter() - clock,
        "log": folder.log_name(config.trial_id),
    }
    scores = score_fields(workplace.task.task)
    when_there_is_room(lambda: folder.finish_trial(row, outcome.predictions, outcome.history, scores))
    return row


def _attempt(
    fill: Callable[[Outcome], None], room: Room | None, report: OnProgress
) -> tuple[Outcome, dict[str, Any]]:
    """Let a trainer fill an outcome; return that, and the columns that say how it ended."""
    outcome = Outcome()

    def fill_afresh() -> None:
        nonlocal outcome
        outcome = Outcome()
        fill(outcome)

    def tell_wait(reason: str) -> None:
        print_reason(reason)
        report({"phase": "waiting for room on the disk"})

    try:
        # A full disk is no fault of the trial: it goes on from its last checkpoint.
        when_there_is_room(fill_afresh, room, on_wait=tell_wait, tidy=free_memory)
        return outcome, {"status": "complete"}
    except Pruned as pruned:
        return outcome, {"status": "pruned", "reason": str(pruned)}
    except Exception as error:
        with suppress(OSError):  # the log may lie on a full disk
            traceback.print_exc()
        return outcome, describe_failure(error)
    finally:
        free_memory()


class _Phase:
    """Passes a trial's progress on, and remembers which phase it is in."""

    def __init__(self, report: OnProgress):
        self.name = "loading"
        self._report = report

    def __call__(self, progress: Mapping[str, Any]) -> None:
        self.name = progress.get("phase", self.name)
        self._report(progress)


def fewest_parts(config: TrialConfig) -> int:
    """Return the fewest equal micro-batches, two or more, that a trial's batch divides into, or 1."""
    size = config.batch_size or 1
    return next((parts for parts in range(2, size + 1) if size % parts == 0), 1)


def describe_failure(error: BaseException) -> dict[str, Any]:
    """Return the status, the reason and the trace of a trial that ended in `error`."""
    if isinstance(error, Diverged):
        return {"status": "diverged", "reason": str(error)}
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    trace = "".join(traceback.format_exception(error))
    if is_out_of_memory(error):
        return {"status": "out_of_memory", "reason": first, "trace": trace}
    return {"status": "failed", "reason": f"{type(error).__name__}: {first}", "trace": trace}


def config_columns(config: TrialConfig) -> dict[str, Any]:
    """Return the columns of a trial's row that its configuration alone decides."""
    same = (
        ("method", "quantization", "model", "variant", "prompt_style", "annotations", "stage", "seed")
        + ("trained_by", "template", "system", "shots", "task", "primary")
        + ("rank", "alpha", "lora_dropout", "target_modules", "learning_rate", "batch_size")
        + ("warmup_fraction", "weight_decay", "max_steps", "epochs", "split")
        + ("second_rank", "second_alpha", "second_learning_rate", "second_max_steps", "second_epochs")
    )  # fmt: skip
    return {
        "trial": config.trial_id,
        **{name: getattr(config, name) for name in same},
        "config_json": config.model_dump_json(),
        "source_model_fingerprint": config.model_fingerprint,
        "source_data_fingerprint": config.data_fingerprint,
        "source_code_fingerprint": config.code_fingerprint,
    }


def _provenance(workplace: Workplace) -> dict[str, Any]:
    return {
        "source_commit": source_commit(),
        "source_versions": json.dumps(describe_versions(), sort_keys=True),
        "source_machine": describe_machine(use_gpu=workplace.use_gpu),
        "source_device": "cuda" if workplace.use_gpu else "cpu",
        "source_accumulation": workplace.accumulation,
        "source_threads": workplace.threads,
        "source_slots": workplace.slots,
        "source_gpu_share": workplace.gpu_share,
    }
