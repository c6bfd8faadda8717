"""A study's own Ray on this machine: on loopback alone, behind a token, and stopped at its end."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import psutil
import ray
from ray.job_config import JobConfig

from study.engine.access_token import prepare_token
from study.engine.ray_internals.names import check_ray
from study.engine.ray_internals.processes import files_in, on_loopback, own_signals
from study.engine.slots import Slots
from study.errors import RayLost
from study.machine.interruption import shielded
from study.machine.scratch import socket_folder
from study.sizes import show_size

STARTS = 2  # of Ray, before it is taken for broken
# Only the study's job lies there. By itself Ray wants a third of the memory, and refuses a machine of more
# than 33 GB whose /dev/shm holds 64 MB, as in a container.
OBJECT_STORE_BYTES = 100_000_000


class LocalRay:
    """A Ray on this machine, on loopback and with only the CPUs that the slots need.

    As a context it runs within the block. `start` starts it earlier than that, and `stop` may come twice.
    """

    def __init__(
        self,
        slots: Slots,
        about: Mapping[str, str] | None = None,
        *,
        dashboard: bool = False,
        python: str | None = None,
    ):
        """Describe a Ray.

        Args:
            slots: what the study uses of the machine.
            about: what Ray shows of the driver's job beside its command line.
            dashboard: whether to serve Ray's dashboard, at port 8265 or the next free one.
            python: what its workers are started with in the place of Python; see `study.forking`.
        """
        self._slots, self._about = slots, dict(about or {})
        self._dashboard, self._python = dashboard, python
        self._held = ExitStack()
        self._url: str | None = None
        self._runs = False

    def start(self) -> None:
        """Start it, if it does not run.

        Raises:
            RayLost: Ray can't be started.
            UserError: Ray lacks what is used of it.
        """
        if self._runs:
            return
        check_ray()
        # Without a mode, Ray asks for a token. One set here would come too late: it was read at the import.
        os.environ.pop("RAY_AUTH_MODE", None)
        if self._python is not None:  # else Ray starts workers that nobody needs, and waits for them
            os.environ["RAY_prestart_worker_first_driver"] = "0"  # noqa: SIM112
        prepare_token()  # one that Ray makes, everybody on the machine can read
        try:
            folder = self._held.enter_context(socket_folder())
            self._held.callback(ray.shutdown)
            with on_loopback(), own_signals():
                self._url = _start_ray(**self._options(), **files_in(folder)).dashboard_url or None
        except BaseException:
            self.stop()
            raise
        self._runs = True

    def _options(self) -> dict[str, Any]:
        environment = None if self._python is None else {"py_executable": self._python}
        return {
            "address": "local",  # another Ray that runs on this machine is somebody else's
            "num_cpus": self._slots.count * self._slots.cpus,
            "include_dashboard": self._dashboard,
            "dashboard_host": "127.0.0.1",
            "job_config": JobConfig(metadata=self._about, runtime_env=environment),
            "log_to_driver": False,
            "logging_level": "ERROR",
            "object_store_memory": OBJECT_STORE_BYTES,
        }

    def stop(self) -> None:
        """Stop it, if it runs."""
        self._runs = False
        with shielded():
            self._held.close()

    def __enter__(self) -> str | None:
        """Start it, if it does not run; return the dashboard's host and port, or None without one."""
        self.start()
        return self._url

    def __exit__(self, *error: object) -> None:
        self.stop()


def _start_ray(**options: Any) -> Any:
    """Call `ray.init`, once more if need be: it gives up after half a minute, which a busy machine may take.

    Raises:
        RayLost: it failed again.
    """
    before = set(psutil.Process().children())
    for attempt in range(STARTS):
        try:
            return ray.init(**options)
        except BaseException as error:  # Ray raises no narrower one than Exception
            for orphan in set(psutil.Process().children()) - before:
                orphan.kill()
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            ray.shutdown()
            if attempt + 1 == STARTS:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise RayLost(f"Ray can't be started on this machine: {reason}{_limited()}") from None
    raise AssertionError("STARTS is positive")


def _limited() -> str:
    """Return what of this process's limits Ray may have met, for people."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return ""
    return (
        f"; a process may take up {show_size(most)} of addresses here (ulimit -v), and Ray's reserve many "
        "times what they use: start the study under ulimit -v unlimited"
    )
