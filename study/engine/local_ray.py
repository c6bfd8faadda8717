"""A study's own Ray on this machine: on loopback alone, behind a token, and stopped at its end."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

    Raises:
        RayLost: Ray can't be started.
        UserError: Ray lacks what is used of it.
    """
    check_ray()
    # Without a mode, Ray asks for a token. One set here would come too late: it was read at the import.
    os.environ.pop("RAY_AUTH_MODE", None)
    prepare_token()  # one that Ray makes, everybody on the machine can read
    with socket_folder() as folder:
        try:
            with on_loopback(), own_signals():
                context = _start_ray(
                    address="local",  # another Ray that runs on this machine is somebody else's
                    num_cpus=slots.count * slots.cpus,
                    include_dashboard=dashboard,
                    dashboard_host="127.0.0.1",
                    job_config=JobConfig(metadata=dict(about or {})),
                    log_to_driver=False,
                    logging_level="ERROR",
                    object_store_memory=OBJECT_STORE_BYTES,
                    **files_in(folder),
                )
            yield context.dashboard_url or None
        finally:
            with shielded():
                ray.shutdown()


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
