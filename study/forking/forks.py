"""Starting the process that others are forked from, and having functions called in such ones."""

from __future__ import annotations

import os
import pickle
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from study.errors import UserError
from study.forking import launcher
from study.machine.interruption import shielded
from study.machine.scratch import short_scratch

Result = TypeVar("Result")


class Pending(Generic[Result]):
    """A call in a forked process. As a context it is given up at the end of the block."""

    def __init__(self, path: str, function: Callable[..., Result], arguments: Sequence[Any]):
        self._answer, its = socket.socketpair()
        try:
            with its, os.fdopen(os.memfd_create("call"), "wb") as asked:
                pickle.dump((function, arguments), asked)
                asked.flush()
                self._connection = launcher.ask(path, [], asked.fileno(), its.fileno())
        except BaseException:
            self._answer.close()
            raise

    def result(self) -> Result:
        """Wait for what the function returns, and return it, or raise what it raises.

        Raises:
            UserError: the process was killed, as the kernel does where memory runs out.
        """
        with self._answer.makefile("rb") as stream:
            try:
                returned, result = pickle.load(stream)
            except EOFError:
                raise UserError(self._how_it_died()) from None
        if not returned:
            raise result
        return result

    def _how_it_died(self) -> str:
        launcher.read_number(self._connection)  # of the process
        status = launcher.read_number(self._connection)
        how = "with the process that it was forked from" if status is None else f"with status {status}"
        return (
            f"the process that looks at the models and the data ended {how} and without a result; "
            "the kernel may have killed it for want of memory"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()  # which kills it
        self._answer.close()


@dataclass(frozen=True)
class Forks:
    """A process that has imported what the others need, and forks them.

    Attributes:
        path: of its socket.
    """

    path: str

    @property
    def python(self) -> str:
        """What to start in the place of Python, as a shell reads it: it runs a script in a forked process."""
        return shlex.join([sys.executable, "-I", "-S", launcher.__file__, self.path])

    def begin(self, function: Callable[..., Result], *arguments: Any) -> Pending[Result] | None:
        """Begin to call a function in a forked process; None: the process to fork from is gone.

        The function, its arguments and its result are pickled.
        """
        try:
            return Pending(self.path, function, arguments)
        except OSError:
            return None


@contextmanager
def forking(modules: Sequence[str]) -> Iterator[Forks]:
    """Start a process that imports the modules and forks others; it ends with the block.

    It goes on importing after this has returned; who asks it meanwhile waits.
    """
    with short_scratch() as folder:
        path = str(folder / "forks")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen(128)
            server = _start(listening, modules)
        try:
            yield Forks(path)
        finally:
            with shielded():
                server.kill()  # it may be in the middle of its imports
                server.communicate()


def _start(listening: socket.socket, modules: Sequence[str]) -> subprocess.Popen[bytes]:
    number = listening.fileno()
    # Without threads, which a fork loses; how many a trial may have, it sets for itself.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "study.forking.server", str(number), *modules],
        stdin=subprocess.PIPE,
        pass_fds=[number],
        start_new_session=True,  # Ctrl-C is not meant for it
        env=environment,
    )


def can_fork() -> bool:
    """Tell whether this system has what forking takes: Linux since 5.3, and not every sandbox on it."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True
