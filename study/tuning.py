"""Ray: the trials of a study as Ray Tune trials, on one machine or a cluster.

The one file that wraps the trainer in the scheduler. Tune starts the trials and holds the slots; which trial
comes next is `study.search`'s business, and what a trial leaves behind is written by the process that ran it.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import psutil
import ray
from ray import tune
from ray._private import ray_constants
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.job_config import JobConfig
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from study.access_token import prepare_token
from study.config import TrialConfig
from study.errors import RayLost, UserError
from study.raylet import ended_with_the_raylet
from study.record import SaveModel, config_columns, record_trial
from study.results import ResultsFolder
from study.room import Gate, when_there_is_room
from study.search import Assignment, StudySearch
from study.slots import Slots
from study.trial_actor import titled_by_trial
from study.workplace import Workplace

Row = Mapping[str, Any]

STARTS = 2  # of Ray, before it is taken for broken

# What Ray says of a process that its memory monitor killed.
LOW_MEMORY = "running low on memory"
# How often a trial is started again: one that takes its own process down, and one whose node was lost (a spot
# machine may be taken away several times, which is no fault of the trial's).
PROCESS_RESTARTS = 1
NODE_RESTARTS = 20


class Observer(Protocol):
    """What wants to know how the study goes: the display, and the record of the search."""

    def started(self, assignment: Assignment) -> None:
        """A trial was given a slot."""

    def progressed(self, assignment: Assignment, progress: Mapping[str, Any]) -> None:
        """A trial reported its phase, and its step and loss while it trains."""

    def finished(self, assignment: Assignment, row: Row) -> None:
        """A trial's row has been written."""


@dataclass(frozen=True)
class Job:
    """What every worker gets.

    Attributes:
        workplaces: where to run, by the name of the base model.
        results: the results folder to write to, or its address.
        about: the columns that only the study knows.
        trainer: the function that runs a trial, as "module:name"; it is imported in the worker.
    """

    workplaces: Mapping[str, Workplace]
    results: str | Path
    about: Mapping[str, Any]
    trainer: str = "study.trial:run_trial"


@contextmanager
def local_ray(
    slots: Slots, about: Mapping[str, str] | None = None, *, dashboard: bool = False
) -> Iterator[str | None]:
    """Start Ray on this machine, on loopback and with only the CPUs the slots need; stop it at the end.

    Args:
        slots: what the study uses of the machine.
        about: what Ray shows of the driver's job beside its command line: study, space.
        dashboard: whether to serve Ray's dashboard, at port 8265 or the next free one.

    Yields:
        The dashboard's host and port, or None without one.
    """
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    # Without a mode, Ray asks for a token. One set here would come too late: it was read at the import.
    os.environ.pop("RAY_AUTH_MODE", None)
    prepare_token()  # one that Ray makes, everybody on the machine can read
    with _on_loopback():
        context = _start_ray(
            address="local",  # another Ray that runs on this machine is somebody else's
            num_cpus=slots.count * slots.cpus,
            include_dashboard=dashboard,
            dashboard_host="127.0.0.1",
            job_config=JobConfig(metadata=dict(about or {})),
            log_to_driver=False,
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
        )
    try:
        yield context.dashboard_url or None
    finally:
        ray.shutdown()


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Let Ray take 127.0.0.1 for the node's address, as it does on a Mac: all it opens listens there alone.

    Without this Ray replaces a loopback address by the machine's own, and listens on every interface. The
    variable for it, RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0, is read when Ray is imported.
    """
    cluster = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = cluster


def _start_ray(**options: Any) -> Any:
    """Call `ray.init`, once more if need be: it gives up after half a minute, which a busy machine may take.

    Raises:
        RayLost: it failed again.
    """
    before = set(psutil.Process().children())
    for attempt in range(STARTS):
        try:
            return ray.init(**options)
        except Exception as error:  # Ray raises no narrower one
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            for orphan in set(psutil.Process().children()) - before:
                orphan.kill()
            ray.shutdown()
            if attempt + 1 == STARTS:
                raise RayLost(f"Ray can't be started on this machine: {reason}") from None
    raise AssertionError("STARTS is positive")


def run_trials(
    search: StudySearch,
    job: Job,
    slots: Slots,
    observers: Sequence[Observer],
    gate: Gate | None = None,
) -> None:
    """Run every trial that `search` hands out, `slots.count` at a time, and return when all have ended.

    None is handed out while `gate` is closed.

    Raises:
        RayLost: Ray's own process on this machine has died.
    """
    RayActorManager._actor_task_failed = _actor_task_failed_or_killed
    # A trial in waiting keeps a worker from being let go between two trials, and tells an autoscaling cluster
    # how many machines it is to get.
    waiting = 0 if slots.capped else 1
    os.environ.update(
        # Ctrl-C is the study's to handle, the results are its own files, and its own lines are enough.
        TUNE_DISABLE_SIGINT_HANDLER="1",
        TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1",
        TUNE_PRINT_ALL_TRIAL_ERRORS="0",
        RAY_AIR_NEW_OUTPUT="0",
        # Tune's own snapshots grow with the trials that have ended; they fail on a full disk, and
        # a study is resumed from its rows.
        TUNE_GLOBAL_CHECKPOINT_S="inf",
        TUNE_MAX_PENDING_TRIALS_PG=str(slots.count),
    )
    searcher = _Searcher(search, gate, slots.count + waiting)
    scratch = tempfile.mkdtemp(prefix="finetune-study-tune-")
    trainable = tune.with_resources(
        titled_by_trial(tune.with_parameters(_run_on_worker, job=job)),
        {"cpu": slots.cpus, "gpu": slots.gpus},
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=_Fifo(),
            num_samples=-1,
            # A worker takes one trial after another: torch is imported once a slot.
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="study",
            storage_path=scratch,
            callbacks=[_Watcher(searcher, job, observers)],
            verbose=0,
        ),
    )
    try:
        with ended_with_the_raylet():
            tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Fifo(FIFOScheduler):
    """First in, first out, among the trials that live: Tune's own looks through all that there have been."""

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        waiting = (trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING)
        return next(waiting, None)


class _NotPickled:
    """Tune pickles its searcher and callbacks, to restore them; ours are made anew from the results."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Searcher(_NotPickled, Searcher):
    """Tune's view of the search: a configuration on request, nothing yet, or finished."""

    def __init__(self, search: StudySearch, gate: Gate | None, at_most: int):
        super().__init__(metric="finished", mode="max")
        self._search, self._gate, self._at_most = search, gate, at_most
        self._again: list[Assignment] = []
        self._halved: set[str] = set()
        self.assignments: dict[str, Assignment] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if len(self.assignments) >= self._at_most or not self.is_open():
            return None
        assignment = self._again.pop(0) if self._again else self._search.next()
        if assignment is None:
            # One that runs may yet have to be handed out again: the end is when none does.
            return Searcher.FINISHED if self._search.exhausted and not self.assignments else None
        self.assignments[trial_id] = assignment
        return {
            "trial": assignment.config.model_dump(mode="json"),
            "about": {"arm": assignment.arm.label, "search_number": assignment.number},
            "save_as": _winner_folder(assignment),
            "title": f"{assignment.arm.label}, {assignment.config.stage}",
            "cutoffs": assignment.cutoffs,
            "accumulation": 2 if assignment.config.trial_id in self._halved else 1,
        }

    def is_open(self) -> bool:
        """Tell whether trials may be handed out."""
        return self._gate is None or self._gate.is_open()

    def finish(self, trial_id: str, row: Row) -> Assignment:
        assignment = self.assignments.pop(trial_id)
        self._search.finish(assignment.config.trial_id, row)
        return assignment

    def restart(self, trial_id: str, *, halve: bool) -> None:
        """Hand a trial out again: it goes on from its last checkpoint, as another trial of Tune's.

        Args:
            halve: with halved micro-batches, from now on.
        """
        assignment = self.assignments.pop(trial_id)
        self._again.append(assignment)
        if halve:
            self._halved.add(assignment.config.trial_id)

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Nothing: `_Watcher` tells the search, from the row that the trial wrote."""

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        return True

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a study is resumed from its rows, not from a pickle of Tune's."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""


class _Watcher(_NotPickled, Callback):
    """Passes on what happens to the trials, and writes the row of one whose process died."""

    def __init__(self, searcher: _Searcher, job: Job, observers: Sequence[Observer]):
        self._searcher, self._job, self._observers = searcher, job, observers
        self._folder = ResultsFolder(job.results)
        self._deaths: Counter[tuple[str, bool]] = Counter()

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        self._searcher.is_open()  # what closes the gate is to be said while all slots are busy, too

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        for observer in self._observers:
            observer.started(self._searcher.assignments[trial.trial_id])

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
        if "progress" in result:
            for observer in self._observers:
                observer.progressed(self._searcher.assignments[trial.trial_id], result["progress"])

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        if refusal := trial.last_result.get("refusal"):
            raise UserError(f"a trial can't run: {refusal}")
        self._close(trial, "failed", "its process ended without leaving a row")

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = self._searcher.assignments[trial.trial_id].config.trial_id
        if not self._searcher.is_open() and self._folder.read_trial(trial_id) is None:
            # A full disk takes processes with it: the trial is not lost, it goes on when there is room.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        node_lost = _has_lost_its_node(trial)
        self._deaths[trial_id, node_lost] += 1
        deaths = self._deaths[trial_id, node_lost]
        may_go_on = deaths <= (NODE_RESTARTS if node_lost else PROCESS_RESTARTS)
        out_of_memory = _ran_out_of_memory(trial)
        if may_go_on and self._folder.read_trial(trial_id) is None:
            self._searcher.restart(trial.trial_id, halve=out_of_memory)
        elif out_of_memory:
            self._close(trial, "out_of_memory", "its worker process was killed: the host is out of memory")
        else:
            what = "node" if node_lost else "worker process"
            self._close(trial, "failed", f"its {what} died {deaths} times")

    def _close(self, trial: Any, status: str, reason: str) -> None:
        config = self._searcher.assignments[trial.trial_id].config
        row: Row | None = self._folder.read_trial(config.trial_id)
        if row is None:
            row = self._write_lost(self._searcher.assignments[trial.trial_id], status, reason)
        assignment = self._searcher.finish(trial.trial_id, row)
        for observer in self._observers:
            observer.finished(assignment, row)

    def _write_lost(self, assignment: Assignment, status: str, reason: str) -> Row:
        row = {
            **config_columns(assignment.config),
            **self._job.about,
            "arm": assignment.arm.label,
            "search_number": assignment.number,
            "status": status,
            "reason": reason,
        }
        when_there_is_room(lambda: self._folder.finish_trial(row))
        return row


def _ran_out_of_memory(trial: Any) -> bool:
    """Tell whether Ray's memory monitor killed the process of a trial, the last time that it died.

    The monitor acts at 95% of the host's memory, or of the container's, before the kernel has to.
    """
    # Of the errors in the file the last one counts.
    return LOW_MEMORY in Path(trial.error_file).read_text().rpartition("Failure # ")[2]


_actor_task_failed = RayActorManager._actor_task_failed


def _actor_task_failed_or_killed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
    """Tell Tune of a process killed by Ray's memory monitor as of any other that died.

    Tune (Ray 2.60) does not expect the error that names this cause, and would end the whole study.
    """
    if isinstance(exception, OutOfMemoryError):
        exception = RayActorError(error_msg=str(exception))
    _actor_task_failed(manager, tracked_actor_task, exception)


def _has_lost_its_node(trial: Any) -> bool:
    """Tell whether a trial's node has gone, and not just its process."""
    alive = {node["NodeID"]: node["Alive"] for node in ray.nodes()}
    node = (trial.last_result or {}).get("node")
    # One that never reported may not have run: then any lost node may have been its own.
    return not alive.get(node, False) if node else not all(alive.values())


def _winner_folder(assignment: Assignment) -> str | None:
    """Return the arm's model folder for the trial whose model is kept: the first confirm seed's.

    Choosing the best seed by its test accuracy would be a selection on the test split.
    """
    arm, config = assignment.arm, assignment.config
    kept = arm.search_trials > 0 and config.stage == "confirm" and config.seed == arm.confirm_seeds[0]
    return arm.slug if kept else None


def _run_on_worker(assigned: dict[str, Any], job: Job) -> None:
    """Run one trial in a Ray worker, with its output in the trial's log."""
    config, folder = TrialConfig(**assigned["trial"]), ResultsFolder(job.results)
    # Twice the micro-batches once the host ran out of memory, see `_Watcher`.
    accumulation = assigned["accumulation"]
    threads = max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
    checkpoints = folder.checkpoints_path(config.trial_id)
    node = ray.get_runtime_context().get_node_id()
    try:
        workplace = job.workplaces[config.model].on_this_machine()
        folder.check_seen()
    except UserError as error:  # not the trial's fault: no other would fare better on this machine
        tune.report({"finished": 1, "node": node, "refusal": str(error)})
        return
    workplace = replace(
        workplace,
        threads=threads,
        checkpoints=checkpoints,
        on_checkpoint=lambda: folder.publish(checkpoints),
        accumulation=accumulation,
    )
    log = folder.log_path(config.trial_id)
    with _output_to(log), _alone_with(log):
        row = _recorded(folder, config.trial_id)
        if row is None:
            folder.fetch(checkpoints)
            # Heavy imports belong to the worker, and their noise to the log.
            module, _, name = job.trainer.partition(":")
            row = record_trial(
                getattr(importlib.import_module(module), name),
                config,
                workplace,
                folder,
                about={**job.about, **assigned["about"]},
                on_progress=lambda progress: tune.report(
                    {"finished": 0, "node": node, "progress": dict(progress)}
                ),
                save_model=_saver(assigned["save_as"], config, workplace, folder),
                cutoffs=assigned["cutoffs"],
            )
    folder.publish(log)
    tune.report({"finished": 1, "node": node, "status": row["status"]})


def _recorded(folder: ResultsFolder, trial_id: str) -> Row | None:
    """Return the row of a trial that an earlier attempt finished, if its process died before it said so."""
    row = folder.read_trial(trial_id)
    # A failed trial comes here again only because it is to be tried again.
    return None if row is None or row["status"] == "failed" else row


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Wait until no other process is in this block with the same file.

    The workers of a killed study live on for seconds: two at once would share a trial's checkpoints.
    """
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets it go with the process, however that ends
        yield


def _saver(
    arm_slug: str | None, config: TrialConfig, workplace: Workplace, folder: ResultsFolder
) -> SaveModel | None:
    if arm_slug is None:
        return None
    from study.winner import saver

    path = folder.model_path(arm_slug)
    save = saver(path, config, workplace.model)

    def save_and_publish(model: Any, tokenizer: Any) -> None:
        save(model, tokenizer)
        folder.publish(path)

    return save_and_publish


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send this process's standard output and error to a file, those of libraries in C included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        saved = os.dup(1), os.dup(2)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            for old, target in zip(saved, (1, 2), strict=True):
                with suppress(OSError):
                    os.dup2(old, target)
                os.close(old)
