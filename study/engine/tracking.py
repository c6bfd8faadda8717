"""Trackers of other people's, kept by Ray's own callbacks for them: TensorBoard, MLflow, Weights & Biases.

A trial becomes a run with its configuration, its training by steps, and the metrics of its row. The files are
below RESULTS/tracking. What a tracker knows is a copy: the study itself reads nothing of it.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.tune.logger import TBXLoggerCallback

from study.command_line import complain
from study.results.folder import ResultsFolder
from study.search.assignment import Assignment
from study.search.observer import Observer
from study.trial.record import config_columns

Row = Mapping[str, Any]

PROGRESS = ("epoch", "loss", "learning_rate", "grad_norm", "validation_loss", "seconds")
# What the row of a trial says of its outcome; the rest of it is configuration and provenance.
OUTCOME = (
    ("score", "accuracy", "accuracy_strict", "accuracy_lenient")
    + ("accuracy_lm_eval_strict", "accuracy_lm_eval_flexible")
    + ("answered", "rouge1", "perplexity", "similarity")
    + ("questions", "train_loss", "train_seconds", "train_steps", "train_tokens", "evaluation_seconds")
    + ("busy_seconds", "peak_memory_bytes", "trainable_parameters", "model_bytes")
)  # fmt: skip
# Not parameters of a run: long, or the same in every one.
NO_PARAMETERS = (
    "config_json",
    "source_model_fingerprint",
    "source_data_fingerprint",
    "source_code_fingerprint",
)
WANDB_SECONDS = 60


@dataclass(eq=False)
class Run:
    """A trial as Ray's callbacks want to see one of Tune's; and how far it has come.

    Attributes:
        last_step: the step that was logged last.
        earlier_steps: steps of the phases before this one: a run's steps go up, those of a trial begin anew
            with its second phase.
    """

    assignment: Assignment
    study: str
    folder: Path
    last_step: int = 0
    earlier_steps: int = 0

    def __str__(self) -> str:
        config, label = self.assignment.config, self.assignment.arm.label
        if self.assignment.arm.is_baseline:
            return f"{label}, {config.stage}"
        number = self.assignment.number
        which = f"{number + 1}" if number is not None else f"seed {config.seed}"
        return f"{label}, replicate {self.assignment.replicate + 1}, {config.stage} {which}"

    @property
    def trial_id(self) -> str:
        """The trial's id: the run's, where a tracker takes one."""
        return self.assignment.config.trial_id

    @property
    def local_path(self) -> str:
        """The run's own folder."""
        return str(self.folder / self.assignment.arm.slug / f"{self.assignment.config.stage}-{self.trial_id}")

    @property
    def experiment_dir_name(self) -> str:
        """The study's name."""
        return self.study

    @property
    def config(self) -> dict[str, Any]:
        """The parameters, without those that mean nothing to the trial's method."""
        columns = config_columns(self.assignment.config)
        known = {name: value for name, value in columns.items() if value is not None}
        for name in NO_PARAMETERS:
            known.pop(name, None)
        return {"arm": self.assignment.arm.label, **known}

    @property
    def evaluated_params(self) -> dict[str, Any]:
        """The same as `config`."""
        return self.config

    def init_local_path(self) -> None:
        """Make the run's own folder."""
        Path(self.local_path).mkdir(parents=True, exist_ok=True)

    def next_step(self, step: int) -> int:
        """Return the step of the run for a step that the trial reports."""
        if self.earlier_steps + step < self.last_step:
            self.earlier_steps = self.last_step
        self.last_step = self.earlier_steps + step
        return self.last_step


class Tracker(Observer):
    """Tells one of Ray's callbacks of the trials.

    A tracker that fails, for whatever reason, says so once and is told nothing more: the study goes on.

    Args:
        name: one of `study.engine.watching.TRACKERS`.
        callback: Ray's callback.
        folder: where it writes, if it asks the trial.
        study: the study's name.
        label: is called with the callback and a run before the run starts, to set what the callback has for
            all runs and not for each: tags.
    """

    asks_for = OUTCOME

    def __init__(
        self,
        name: str,
        callback: Any,
        folder: Path,
        study: str,
        label: Callable[[Any, Run], None] = lambda *_: None,
    ):
        self._name, self._callback, self._folder, self._study = name, callback, folder, study
        self._label = label
        self._runs: dict[str, Run] = {}
        self._failed = False
        self._tell(callback.setup)

    def started(self, assignment: Assignment) -> None:
        """Open a run, unless the trial is one that was taken up again."""
        trial = assignment.config.trial_id
        if trial not in self._runs:
            self._runs[trial] = run = Run(assignment, self._study, self._folder)
            self._tell(self._open, run)

    def progressed(self, assignment: Assignment, progress: Mapping[str, Any]) -> None:
        """Log a step of the training."""
        if "step" in progress:
            run = self._runs[assignment.config.trial_id]
            self._log(run, run.next_step(progress["step"]), PROGRESS, progress)

    def finished(self, assignment: Assignment, row: Row) -> None:
        """Log the outcome and close the run; a trial that an earlier run of the study finished has none."""
        run = self._runs.pop(assignment.config.trial_id, None)
        if run is not None:
            self._log(run, run.last_step + 1, OUTCOME, row)
            failed = row["status"] not in ("complete", "pruned")
            self._tell(self._callback.log_trial_end, run, failed=failed)

    def close(self) -> None:
        """Close the runs that are open, as failed, and wait for what is being written."""
        runs = list(self._runs.values())
        self._runs.clear()
        for run in runs:
            self._tell(self._callback.log_trial_end, run, failed=True)
        self._tell(self._callback.on_experiment_end, trials=runs)

    def _open(self, run: Run) -> None:
        self._label(self._callback, run)
        self._callback.log_trial_start(run)

    def _log(self, run: Run, step: int, names: Sequence[str], values: Mapping[str, Any]) -> None:
        known = {name: values[name] for name in names if values.get(name) is not None}
        self._tell(self._callback.log_trial_result, step, run, {**known, "training_iteration": step})

    def _tell(self, what: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        if self._failed:
            return
        try:
            what(*arguments, **options)
        except Exception as error:
            self._failed = True
            reason = (str(error).strip() or "no reason given").splitlines()[0]
            complain(
                f"--track {self._name} has stopped ({type(error).__name__}: {reason}); "
                "the study goes on without it"
            )


@contextmanager
def tracked(names: Sequence[str], folder: ResultsFolder, study: str) -> Iterator[list[Tracker]]:
    """Open the trackers of these names, and close them at the end however it comes; Ray has to run."""
    trackers: list[Tracker] = []
    try:
        for name in names:
            place = (folder.root / "tracking" / name).absolute()
            place.mkdir(parents=True, exist_ok=True)
            trackers.append(_OPEN[name](place, study))
        yield trackers
    finally:
        for tracker in trackers:
            tracker.close()


def _tensorboard(place: Path, study: str) -> Tracker:
    return Tracker("tensorboard", TBXLoggerCallback(), place, study)


def _mlflow(place: Path, study: str) -> Tracker:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # MLflow reports on its database at every start, and warns of SQLAlchemy's names in its own code.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="mlflow")
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    def label(callback: Any, run: Run) -> None:
        callback.tags = {"arm": run.assignment.arm.label, "stage": run.assignment.config.stage}

    callback = MLflowLoggerCallback(tracking_uri=f"sqlite:///{place / 'mlflow.db'}", experiment_name=study)
    return Tracker("mlflow", callback, place, study, label)


def _wandb(place: Path, study: str) -> Tracker:
    import wandb
    from ray.air.integrations.wandb import WandbLoggerCallback

    if "WANDB_MODE" not in os.environ and not wandb.login(prompt=False):
        os.environ["WANDB_MODE"] = "offline"

    def label(callback: Any, run: Run) -> None:
        arm, stage = run.assignment.arm.label, run.assignment.config.stage
        run.init_local_path()  # its process starts there
        callback.kwargs = {
            "dir": str(place),
            "mode": os.environ.get("WANDB_MODE", "online"),
            "group": study,
            "job_type": stage,
            "tags": [arm, stage],
        }

    callback = WandbLoggerCallback(project="finetune-study", upload_timeout=WANDB_SECONDS)
    return Tracker("wandb", callback, place, study, label)


_OPEN: Mapping[str, Callable[[Path, str], Tracker]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}
