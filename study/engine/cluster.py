"""A Ray cluster: connecting to it, what its machines have, and whether they see what a trial needs.

    python -m study.run --space paper --address auto    # on a node of the cluster; docs/cluster.md

The driver runs on a node of the cluster. Every node has the project installed and sees the results folder.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import AuthenticationError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.engine.autoscaler import planned_machines
from study.engine.ray_internals.names import check_ray
from study.engine.ray_internals.processes import answers, find_cluster, lost_nodes_untold, own_signals
from study.engine.slots import Machine, machine_of
from study.errors import UserError
from study.machine.interruption import shielded
from study.results.object_store import ObjectStore, is_address
from study.workplace import Workplace

CONNECT_SECONDS = 10
# A node has to start a worker, and fetches a model and data that are named by their Hub name.
CHECK_SECONDS = 1800
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:/@]+):\d{1,5}")


class _Connected:
    """What Ray said of the cluster that this process is connected to, which is one at most."""

    context: Any = None


@contextmanager
def cluster_ray(address: str) -> Iterator[None]:
    """Connect to the cluster at `address` ("auto" or HOST:PORT); disconnect at the end, and leave it running.

    Raises:
        UserError: there is no cluster, or it lets nobody in without its token; or Ray lacks what is
            used of it.
    """
    check_ray()
    found = _find(address)
    # Of a lost node the study says itself what became of the trial.
    with lost_nodes_untold():
        _connect(address, found)
        try:
            yield
        finally:
            with shielded():
                ray.shutdown()
                _Connected.context = None


def _connect(address: str, found: str) -> None:
    try:
        # By "auto" Ray shows its token to the cluster; to one that is named, only where it is told to.
        with own_signals():
            _Connected.context = ray.init(
                address="auto" if address == "auto" else found, log_to_driver=False, logging_level="ERROR"
            )
    except AuthenticationError:
        raise UserError(
            f"the cluster at '{found}' asks for its token: run this on a node of it, as the user who "
            "started Ray there, with --address auto; or set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH"
        ) from None
    except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"can't connect to the cluster at '{found}': {reason}") from None


def dashboard_url() -> str | None:
    """Return host and port of the connected cluster's dashboard, or None if it has none."""
    return _Connected.context.dashboard_url or None


def cluster_machines() -> list[Machine]:
    """Return the machines of the cluster that this process is connected to, those it may grow to included."""
    there = [machine_of(node["Resources"]) for node in _alive_nodes()]
    return max(there, planned_machines(), key=lambda machines: sum(m.cpus + m.gpus for m in machines))


def check_nodes(results: str | Path, workplaces: Sequence[Workplace]) -> None:
    """Check, on each node that may run a trial, that it sees the results folder, the models and the data.

    Nodes that join later are not seen here; a trial's worker looks again (`study.engine.worker`).

    Args:
        results: the results folder, or the one in which it will be made, or its address; nothing stays there.
        workplaces: what the trials will need.

    Raises:
        UserError: a node does not; it is named.
    """
    with _token(results) as token:
        _check_nodes(token, workplaces)


@contextmanager
def _token(results: str | Path) -> Iterator[str]:
    """Give what the nodes are to see: a file beside the results, or the address itself."""
    if is_address(results):
        yield str(results)
        return
    token = _nearest_existing(Path(results).absolute()) / f".shared-{uuid.uuid4().hex}"
    token.touch()
    try:
        yield str(token)
    finally:
        token.unlink(missing_ok=True)


def _check_nodes(token: str, workplaces: Sequence[Workplace]) -> None:
    sources = [source for workplace in workplaces for source in workplace.sources if source.path.exists()]
    folders = {str(source.path): _files(source.path) for source in sources if source.revision is None}
    asked = {
        ray.remote(find_lack)
        .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], False))
        .remote(token, list(workplaces), folders): node["NodeManagerAddress"]
        for node in _alive_nodes()
        if machine_of(node["Resources"]).cpus
    }
    for answer, node in asked.items():
        if complaint := _wait_for(answer):
            raise UserError(f"node {node} of the cluster can't run trials: {complaint}")


def find_lack(
    token: str, workplaces: Sequence[Workplace], folders: Mapping[str, Mapping[str, int]]
) -> str | None:
    """Return what a trial on this node would lack, or None.

    Args:
        token: a file that the driver has just written beside the results, or the results' address.
        workplaces: see `check_nodes`.
        folders: path -> files and their sizes, of the model and data folders as the driver sees them.
    """
    path = Path(token)
    if not is_address(token) and not path.exists():
        return f"it does not see '{path.parent}'; {SHARED_RESULTS}"
    if not is_address(token) and not os.access(path.parent, os.W_OK | os.X_OK):
        return f"it may not write in '{path.parent}'"
    try:
        if is_address(token):
            ObjectStore(token).check()
        for workplace in workplaces:
            workplace.on_this_machine()
    except UserError as error:
        return str(error)
    other = [folder for folder, files in folders.items() if Path(folder).exists() and _files(folder) != files]
    return f"'{other[0]}' holds other files there: it must be on a shared file system" if other else None


def _files(folder: str | Path) -> dict[str, int]:
    """Return the size of each file in or below a folder, by its path there."""
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in (Path(folder), *Path(folder).rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


SHARED_RESULTS = (
    "valid for --results on a cluster: a path on a file system that every node shares, "
    "or an s3:// or gs:// address"
)


def _wait_for(answer: Any) -> str | None:
    try:
        return ray.get(answer, timeout=CHECK_SECONDS)
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # The last line of a remote traceback is the error itself: that the project is not installed, say.
        return lines[-1] if lines else type(error).__name__


def _find(address: str) -> str:
    """Return HOST:PORT of a cluster that answers.

    Ray itself waits two minutes for one that does not, and then ends the process.
    """
    if address != "auto" and not _HOST_AND_PORT.fullmatch(address):
        raise UserError(
            f"--address (or RAY_ADDRESS) must be 'auto' or HOST:PORT, received '{address}'; "
            "the study runs on a node of the cluster: start it with ray exec, submit or job submit"
        )
    try:
        found = find_cluster(address)
    except ConnectionError as error:
        raise UserError(f"--address {address}: {str(error).splitlines()[0]}") from None
    if not answers(found, CONNECT_SECONDS):
        raise UserError(f"--address {address}: no Ray cluster answers at '{found}'")
    return found


def _alive_nodes() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]


def _nearest_existing(folder: Path) -> Path:
    return folder if folder.is_dir() else _nearest_existing(folder.parent)
