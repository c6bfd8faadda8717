"""Ray's own processes, sockets and signals; `names` says what is used of them, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
import ray

from study.engine.ray_internals.replaced import replaced
from study.machine.interruption import hear_again

# Of the command line of Ray's monitor, the process that the autoscaler is part of.
_CONFIG_OPTION = "--autoscaling-config="


@contextmanager
def own_signals() -> Iterator[None]:
    """Leave SIGTERM to `study.machine.interruption`: Ray's own handlers would end the process at once."""
    from ray._private import utils

    try:
        with replaced(utils, "set_sigterm_handler", lambda handler: None):
            yield
    finally:
        hear_again()


@contextmanager
def on_loopback() -> Iterator[None]:
    """Let Ray take 127.0.0.1 for the node's address, as it does on a Mac: all it opens listens there alone.

    Without this Ray takes the machine's own address, whatever it is told, and listens on every interface.
    """
    from ray._private import ray_constants

    with replaced(ray_constants, "ENABLE_RAY_CLUSTER", False):
        yield


def files_in(folder: Path | None) -> dict[str, Any]:
    """Return the options of `ray.init` by which its sockets and files go to a folder; None: to its own."""
    return {"_temp_dir": folder and str(folder)}


@contextmanager
def lost_nodes_untold() -> Iterator[None]:
    """Keep what Ray prints of a lost node, pages of that node's own log, out of the terminal."""
    from ray._private import worker

    with replaced(worker, "print_to_stdstream", lambda *lines, **options: None):
        yield


def find_cluster(address: str) -> str:
    """Return HOST:PORT of the cluster at an address, or of the one that "auto" means on this machine.

    Raises:
        ConnectionError: "auto" means none, or several.
    """
    from ray._private import services

    return str(services.canonicalize_bootstrap_address_or_die(address))


def answers(address: str, seconds: float) -> bool:
    """Tell whether a cluster answers at HOST:PORT within so many seconds."""
    from ray._private.grpc_utils import init_grpc_channel

    channel = init_grpc_channel(address)
    try:
        grpc.channel_ready_future(channel).result(timeout=seconds)
    except grpc.FutureTimeoutError:
        return False
    finally:
        channel.close()
    return True


def find_raylets() -> list[psutil.Process]:
    """Return the raylets that this process has started: one of a local Ray, none on a cluster."""
    from ray._private.services import RAYLET_EXECUTABLE

    name = Path(RAYLET_EXECUTABLE).name
    return [child for child in psutil.Process().children() if child.name() == name]


def find_autoscaler_file() -> Path | None:
    """Return the file that the connected cluster's autoscaler reads; None where none runs on this machine."""
    cluster = f"--gcs-address={ray.get_runtime_context().gcs_address}"
    for process in psutil.process_iter(["cmdline"]):
        arguments = process.info["cmdline"] or []
        named = [argument for argument in arguments if argument.startswith(_CONFIG_OPTION)]
        if named and cluster in arguments:
            return Path(named[0].removeprefix(_CONFIG_OPTION)).expanduser()
    return None


def set_process_title(title: str) -> None:
    """Let this process go by a title, in the dashboard and in `ps`."""
    from ray._raylet import setproctitle  # type: ignore[attr-defined]

    setproctitle(title)
