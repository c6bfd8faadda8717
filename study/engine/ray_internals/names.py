"""What is used of Ray though it does not document it, and whether the installed release has it."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from dataclasses import dataclass
from typing import Any

from study.errors import UserError

# As pyproject.toml says: the release that was tested, and none that may have changed what is listed here.
VALID_RAY = ">=2.60,<2.61"


@dataclass(frozen=True)
class Internal:
    """A name of Ray's own.

    Attributes:
        name: where it is, with its modules.
        why: what it is needed for.
        since: the oldest release that was found to have it as it is used here, of 2.6, 2.9, 2.40, 2.51, 2.56,
            2.59 and 2.60.
        until: what would make it unnecessary.
        inside: what the code of the function `name` has to hold: an attribute that it sets, an option that it
            takes or passes on.
    """

    name: str
    why: str
    since: str
    until: str
    inside: str = ""

    def __str__(self) -> str:
        what = f"{self.inside.strip()} in {self.name}" if self.inside else self.name
        return f"{what}: {self.why} (it is as here since Ray {self.since}); unnecessary once {self.until}"

    def is_there(self) -> bool:
        """Tell whether the installed Ray has it."""
        try:
            found = _find(self.name)
            return not self.inside or self.inside in _words_of(found)
        except (ImportError, AttributeError):
            return False


_TUNE = "ray.tune.execution.tune_controller"
_FORGETTING = "thousands of trials that have ended would slow a study down, for Tune keeps them all"
_FORGOTTEN = "Tune's loop looks at live trials alone"

INTERNALS = (
    Internal(
        "ray._private.ray_constants.ENABLE_RAY_CLUSTER",
        "a local Ray listens on loopback alone only where this is false, as on a Mac",
        "2.6",
        "ray.init can be told to listen on loopback alone (RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 is read when "
        "Ray is imported, which may be before it is known that the study has no cluster)",
    ),
    Internal(
        "ray._private.utils.set_sigterm_handler",
        "ray.init takes SIGTERM for itself, and would end the process in the middle of it",
        "2.6",
        "ray.init can be told to leave the signals alone",
    ),
    Internal(
        "ray.init",
        "Ray's sockets need a short path where TMPDIR is a long one",
        "2.6",
        "ray.init documents an option for its folder",
        inside="_temp_dir",
    ),
    Internal(
        "ray._common.utils.get_default_system_temp_dir",
        "study.machine.scratch looks at the folder that this variable names: Ray would die of a long one",
        "2.60",
        "Ray puts its sockets where their paths are short",
        inside="RAY_TMPDIR",
    ),
    Internal(
        "ray._private.ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV",
        "study.command_line sets the variable of this name: under `uv run` each worker would have its own",
        "2.51",
        "Ray starts its workers with the driver's interpreter",
    ),
    Internal(
        "ray._private.services.RAYLET_EXECUTABLE",
        "a dead raylet is seen by its process, at once; Ray would end the driver a quarter of a minute later",
        "2.6",
        "Ray raises an error in the driver when its raylet dies",
    ),
    Internal(
        "ray._private.services.canonicalize_bootstrap_address_or_die",
        "it says where the cluster called 'auto' is, before ray.init waits minutes for one that is gone",
        "2.6",
        "ray.init has a time limit, and raises an error after it",
    ),
    Internal(
        "ray._private.grpc_utils.init_grpc_channel",
        "it asks, with the user's TLS and token, whether a cluster answers at an address",
        "2.56",
        "ray.init has a time limit, and raises an error after it",
    ),
    Internal(
        "ray._private.worker.print_to_stdstream",
        "of a lost node Ray prints pages of its log, whatever log_to_driver says",
        "2.6",
        "log_to_driver=False holds for the errors of nodes, too",
    ),
    Internal(
        "ray._private.services.start_monitor",
        "the machines that an autoscaler may start stand in the file that this option of its process names",
        "2.6",
        "Ray tells a driver what its autoscaler may start",
        inside="--autoscaling-config=",
    ),
    Internal(
        "ray._raylet.setproctitle",
        "a worker takes one trial after another and goes by the one it runs; an actor's name is for life",
        "2.51",
        "an actor can be renamed, or the package setproctitle, of which Ray has a copy, is a dependency",
    ),
    Internal(
        "ray.air.execution._internal.actor_manager.RayActorManager._actor_task_failed",
        "Tune ends the study at an error that says that the memory monitor killed a worker",
        "2.6",
        "Tune takes OutOfMemoryError for an actor's death",
    ),
    Internal(
        f"{_TUNE}.TrialRunnerWrapper.__init__",
        f"a scheduler reaches Tune's lists by it: {_FORGETTING}",
        "2.6",
        _FORGOTTEN,
        inside="_tune_controller",
    ),
    *(
        Internal(f"{_TUNE}.TuneController.__init__", _FORGETTING, "2.6", _FORGOTTEN, inside=attribute)
        for attribute in ("_trial_to_actor", "_stopped_trials", "_failed_trials", "_trials_to_cache")
    ),
    Internal(
        f"{_TUNE}.TuneController.get_trials",
        "trials that have ended are taken off the list that it returns, which is Tune's own and no copy",
        "2.6",
        _FORGOTTEN,
        inside="_trials",
    ),
    Internal(
        "ray.tune.experiment.trial.Trial.get_trainable_cls",
        "Tune asks Ray's store, twice for each trial, for the one thing that it runs, and unpickles it",
        "2.60",
        "Tune keeps what it has found",
        inside="get_trainable_cls",
    ),
    Internal(
        f"{_TUNE}.TuneController.__init__",
        "Tune reserves a worker's CPUs with Ray for each trial that waits, and gives them back unused",
        "2.60",
        "tune.Tuner takes a resource manager",
        inside="PlacementGroupResourceManager",
    ),
    Internal(
        "ray.tune.experiment.trial._TemporaryTrialState.__init__",
        "a trial that is just being handed to its worker is still pending, and must not be chosen again",
        "2.9",
        "Trial says whether it has a worker",
        inside="ray_actor",
    ),
    Internal(
        "ray.tune.experiment.trial.Trial.__init__",
        "a trial's worker is known there",
        "2.9",
        "Trial says whether it has a worker",
        inside="temporary_state",
    ),
    Internal(
        "ray.tune.experiment.trial.Trial.__init__",
        "at the end Tune asks a worker for what its trial never reported, though it may have been killed",
        "2.6",
        "Trial.last_result takes OutOfMemoryError for an actor's death",
        inside="_default_result_or_future",
    ),
    Internal(
        "ray.tune.experiment.trial.Trial.error_file",
        "only the error's text says whether a worker was killed for memory, died, or does not answer",
        "2.6",
        "on_trial_error gives a callback the exception",
    ),
    Internal(
        "ray.tune.experiment.trial.Trial.handle_error",
        "the file of a trial's errors holds all of them, and this begins each",
        "2.6",
        "on_trial_error gives a callback the exception",
        inside="Failure # {} (occurred at {})\n",
    ),
)


def check_ray() -> None:
    """Check that the installed Ray has all that is used of it beyond what it documents.

    Raises:
        UserError: it has not; the line names the first that is gone, and the releases that are valid.
    """
    gone = next((internal for internal in INTERNALS if not internal.is_there()), None)
    if gone is not None:
        version = importlib.metadata.version("ray")
        raise UserError(
            f"Ray must be {VALID_RAY}, received {version}, which lacks {gone.inside.strip() or gone.name}; "
            f"install it with: pip install 'ray[default,tune]{VALID_RAY}'"
        )


def _find(name: str) -> Any:
    """Return what is called `name`, importing the longest part of it that is a module.

    Raises:
        ImportError, AttributeError: there is none.
    """
    parts = name.split(".")
    found: Any = importlib.import_module(parts[0])
    for depth, part in enumerate(parts[1:], 2):
        is_known = hasattr(found, part)
        found = getattr(found, part) if is_known else importlib.import_module(".".join(parts[:depth]))
    return found


def _words_of(function: Any) -> set[str]:
    """Return the attributes and the strings that a function's code names."""
    code = inspect.unwrap(function).__code__
    return {*code.co_names, *(constant for constant in code.co_consts if isinstance(constant, str))}
