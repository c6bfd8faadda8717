"""What a study runs on, got ready side by side: the libraries, Ray, and what the study will cost."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console

from study.engine.slots import Slots
from study.engine.watching import Watching
from study.errors import RayLost
from study.forking.forks import Forks, can_fork, forking
from study.plan.request import Request
from study.starting.place import on_cluster, watching_of

if TYPE_CHECKING:
    from study.engine.local_ray import LocalRay

Result = TypeVar("Result")

# What workers import before their first trial, and what a look into the models takes.
_MODULES = ("study.trial.trial", "study.cost.preflight", "peft")


@dataclass(frozen=True)
class Runtime:
    """What a study runs on.

    Attributes:
        slots: how the machines are divided.
        watching: by what it is watched.
        ray: its own Ray on this machine, which need not run yet; None on the cluster that is connected to.
        forks: what processes are forked from that find torch imported, if anything.
    """

    slots: Slots
    watching: Watching = field(default_factory=Watching)
    ray: LocalRay | None = None
    forks: Forks | None = None

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in a forked process while Ray starts, or here before Ray does.

        Raises:
            UserError: it raises it, or memory ran out; see `study.forking.forks.Pending`.
        """
        pending = self.forks.begin(function, *arguments) if self.forks else None
        if self.ray is None or pending is None:
            return function(*arguments)
        with pending, ThreadPoolExecutor(1) as aside:
            aside.submit(_import_what_is_next)
            with suppress(RayLost):  # the study starts it once more, and tells what fails then
                self.ray.start()
            return pending.result()


def _import_what_is_next() -> None:
    """Import what takes its time once Ray runs, while Ray's processes are waited for."""
    for module in ("study.engine.tuning", "study.engine.tracking"):
        importlib.import_module(module)
    from optuna.storages import RDBStorage

    RDBStorage("sqlite:///:memory:")  # which imports most when it is made


@contextmanager
def runtime_of(
    options: argparse.Namespace, request: Request, slots: Slots, console: Console
) -> Iterator[Runtime]:
    """Give what a study runs on, and stop its Ray at the end; say what of this machine may trouble it.

    Raises:
        UserError: a study can't run here.
    """
    watching = watching_of(options, console)
    if on_cluster(options):  # whose nodes start their own workers
        yield Runtime(slots, watching)
        return
    with forking(_MODULES) if _may_fork() else nullcontext() as forks:
        from study.engine.local_ray import LocalRay

        about = {"space": request.space, "profile": request.profile}
        python = None if forks is None else forks.python
        ray = LocalRay(slots, about, dashboard=watching.dashboard, python=python)
        try:
            yield Runtime(slots, watching, ray, forks)
        finally:
            ray.stop()


def _may_fork() -> bool:
    """Tell whether workers are to be forked: not with a GPU, which a forked process may not be able to use.

    Where torch is imported already, as in a notebook, there is nothing to hurry for.
    """
    return can_fork() and shutil.which("nvidia-smi") is None and "torch" not in sys.modules
