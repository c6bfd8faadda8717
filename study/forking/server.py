"""The process that others are forked from: it imports modules, and forks at each request.

    python -m study.forking.server DESCRIPTOR MODULE...

It stays free of threads and of CUDA, which do not survive a fork, and ends when its standard input does: with
the process that started it, however that ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pickle
import runpy
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.forking.launcher import NUMBER_BYTES, STREAMS
from study.quiet import quiet_imports

# What a forked process is to do.
Task = Callable[[], None]


@dataclass
class _Forked:
    """A process that was forked: its number, its handle in the kernel, and who asked for it."""

    pid: int
    handle: int
    connection: socket.socket


class _Server:
    """Waits for requests, for the ends of what was forked, and for those who asked to go away."""

    def __init__(self, listening: socket.socket):
        self._listening = listening
        self._forked: dict[int, _Forked] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(listening, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin, selectors.EVENT_READ, _end)

    def serve(self) -> Task:
        """Fork at each request; return, in a forked process alone, what it is to do."""
        while True:
            for key, _ in self._selector.select():
                if (task := key.data()) is not None:
                    return task

    def _accept(self) -> Task | None:
        connection, _ = self._listening.accept()
        streams: list[int] = []
        try:
            process = _receive(connection, streams)
            pid = os.fork()
        except (
            OSError,
            ValueError,
        ):  # whoever asked is gone, or there is no room for more
            connection.close()
            _close_all(streams)
            return None
        if pid == 0:
            connection.close()
            self._close()
            return _become(process, streams)
        _close_all(streams)
        self._watch(_Forked(pid, os.pidfd_open(pid), connection))
        return None

    def _close(self) -> None:
        """Close, in a forked process, what is this one's alone."""
        self._selector.close()
        self._listening.close()
        for other in self._forked.values():
            other.connection.close()
            os.close(other.handle)

    def _watch(self, forked: _Forked) -> None:
        self._forked[forked.pid] = forked
        self._selector.register(forked.handle, selectors.EVENT_READ, lambda: self._reap(forked))
        # Nobody says more than a request: what can be read then is the end.
        self._selector.register(forked.connection, selectors.EVENT_READ, lambda: self._kill(forked))
        _tell(forked.connection, forked.pid)

    def _reap(self, forked: _Forked) -> None:
        _, status = os.waitpid(forked.pid, 0)
        _tell(forked.connection, os.waitstatus_to_exitcode(status))
        self._selector.unregister(forked.handle)
        os.close(forked.handle)
        self._forget_connection(forked)
        del self._forked[forked.pid]

    def _kill(self, forked: _Forked) -> None:
        """Kill a process that nobody waits for any more, unless its own end was heard of just before."""
        if forked.pid in self._forked:
            self._forget_connection(forked)
            signal.pidfd_send_signal(forked.handle, signal.SIGKILL)

    def _forget_connection(self, forked: _Forked) -> None:
        if forked.connection.fileno() >= 0:
            self._selector.unregister(forked.connection)
            forked.connection.close()


def main(descriptor: str, *modules: str) -> None:
    """Import the modules and serve; in a forked process, do what was asked for.

    Args:
        descriptor: of the socket to listen at, which is open already: who comes early waits there.
    """
    quiet_imports()
    with socket.socket(fileno=int(descriptor)) as listening:
        import_all(modules)
        task = _Server(listening).serve()
    task()


def import_all(modules: Sequence[str]) -> None:
    """Import modules without the garbage collector, which takes a fifth of the time and finds nothing."""
    gc.disable()
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # the collector does not touch it, so the forked go on sharing it
    gc.enable()


def _end() -> None:
    os._exit(0)


def _tell(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        connection.sendall(number.to_bytes(NUMBER_BYTES, "big", signed=True))


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _receive(connection: socket.socket, streams: list[int]) -> Mapping[str, Any]:
    """Return the process that is asked for, see `study.forking.launcher.ask`; put its streams into a list.

    Raises:
        OSError, ValueError: the connection ended before the request was whole.
    """
    length, received, _, _ = socket.recv_fds(connection, NUMBER_BYTES, len(STREAMS) + 2)
    streams += received
    payload = connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
    process: Mapping[str, Any] = json.loads(payload)
    return process


def _become(process: Mapping[str, Any], streams: Sequence[int]) -> Task:
    """Make this forked process the one that was asked for; return what it is to do."""
    os.setsid()  # no terminal's signals, nor those to the server's group, are meant for it
    for number in STREAMS:
        os.dup2(streams[number], number)
        os.close(streams[number])
    os.environ.clear()
    os.environ.update(process["environment"])
    os.chdir(process["folder"])
    os.umask(process["umask"])
    os.nice(process["niceness"] - os.nice(0))
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(process["oom_score_adj"])
    if more := streams[len(STREAMS) :]:
        return lambda: _call(*more)
    return lambda: _run(process["arguments"])


def _run(arguments: Sequence[str]) -> None:
    """Run a script with its arguments, as Python would."""
    sys.argv = [*arguments]
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")


def _call(asked: int, answers: int) -> None:
    """Call the function in one file, and send through a socket whether it returned, and what."""
    answer: tuple[bool, Any]
    try:
        with open(asked, "rb") as file:
            file.seek(0)
            function, arguments = pickle.load(file)  # of the very process that started this one
        answer = True, function(*arguments)
    except BaseException as error:
        error.add_note(traceback.format_exc())
        answer = False, error
    with socket.socket(fileno=answers) as connection, connection.makefile("wb") as stream:
        pickle.dump(answer, stream)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # what the function has begun, threads above all, is not waited for


if __name__ == "__main__":
    main(*sys.argv[1:])
