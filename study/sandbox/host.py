"""The study's side of the sandbox: one worker process, kept over many programs, replaced when it fails.

A worker serves one program at a time and a `Sandbox` one thread.

Every program ends as one of `OUTCOMES` (see `results.py`); only "answered" has a value. Why a hostile program
gets nowhere, layer by layer, the outermost defence last:

1. The language (`inside/language.py`). A program is parsed and its tree is held against an allow-list:
   arithmetic, assignments to plain names, if, for, while, plain functions, calls of twelve named functions.
   Attributes, imports, keyword arguments, comprehensions, f-strings and names that begin with an underscore
   are refused before anything runs. Programs that are held against tests (`check`) have a wider list of
   their own (`inside/wide_language.py`): lists, dicts, sets, texts, comprehensions, named methods. There too
   nothing is looked up by a name that a program wrote but in tables of what is allowed.
2. The interpreter (`inside/interpreter.py`). What passed is walked, not executed: no bytecode of the program
   ever runs and no `exec` is called. A construct that the interpreter has no method for can't happen, and a
   value is a number, a text, or a flat list of these; in the wider language lists, dicts and sets too, of
   bounded depth. Steps are counted, whatever walks through a value is charged its size, and the size of
   numbers and texts is bounded, so a bomb ends in the same way on every machine.
3. The process (`inside/limits.py`). The interpreter runs in a process of its own: isolated Python, its own
   session, nothing of the environment but the library path (and a fixed seed of hashes), no output, limits on
   memory, CPU seconds, files and processes, no new file descriptor (so no file and no socket), and an audit
   hook that ends the process at whatever reaches outside.
4. The host (`host.py`) parses nothing that the program wrote but a short answer of a fixed form, waits for a
   bounded time, and replaces a worker that is late, dead or talks nonsense.

What is not claimed: protection against a fault in CPython's parser that lets text take over the process; the
third layer then narrows what is left, and is itself no virtual machine. Limits that a system does not have
(address space and processes on macOS, processes for root) are skipped; the first two layers do not need them.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from study.sandbox.inside.limits import REACHED_OUTSIDE
from study.sandbox.results import OUTCOMES, TEST_OUTCOMES, Result, WorkerFailed, encode, read_result

# Steps end an endless program, the same way on every machine. The clock is for what the steps can't see, and
# generous: a busy machine must not turn an answer into a timeout.
WALL_SECONDS = 5.0
START_SECONDS = 60.0
STOP_SECONDS = 5.0
MAX_PROGRAM_CHARACTERS = 10_000
MAX_MESSAGE_BYTES = 4_096

_FOLDER = Path(__file__).parent


class SandboxUnavailable(RuntimeError):
    """The sandbox's worker process can't be started."""


class Sandbox:
    """Runs programs in a worker process. A context manager: the worker ends with the block.

    Args:
        wall_seconds: how long the host waits for one program.
    """

    def __init__(self, wall_seconds: float = WALL_SECONDS):
        self._wall_seconds = wall_seconds
        self._worker: _Worker | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker; a later `run` starts a new one."""
        if self._worker:
            self._worker.stop()
            self._worker = None

    def run(self, program: str) -> Result:
        """Run one program, whatever it is.

        Raises:
            SandboxUnavailable: no worker can be started.
        """
        return self._run(program, b"A", OUTCOMES)

    def check(self, program: str, tests: str) -> Result:
        """Run a program in the wider language, and then its tests, whatever they are.

        Returns:
            An outcome of `TEST_OUTCOMES`, without a value.

        Raises:
            SandboxUnavailable: no worker can be started.
        """
        written = encode(tests)
        return self._run(program, b"T" + len(written).to_bytes(4, "big") + written, TEST_OUTCOMES)

    def _run(self, program: str, head: bytes, outcomes: Sequence[str]) -> Result:
        if max(len(program), len(head)) > MAX_PROGRAM_CHARACTERS:
            return Result("refused", None, f"longer than {MAX_PROGRAM_CHARACTERS:,} characters")
        if self._worker and not self._worker.is_alive():
            self.close()  # killed between two programs, by the system or a user: no program's fault
        if not self._worker:
            self._worker = _Worker()
        try:
            return read_result(self._worker.ask(head + encode(program), self._wall_seconds), outcomes)
        except WorkerFailed as failure:
            self.close()
            return Result(failure.outcome, None, str(failure))
        except BaseException:
            # An interrupt between a question and its answer: the next program must not get this answer.
            self.close()
            raise

    def run_all(self, programs: Sequence[str]) -> list[Result]:
        """Run programs one after another; see `run`."""
        return [self.run(program) for program in programs]


class _Worker:
    """One worker process and the connection to it."""

    def __init__(self) -> None:
        self._connection, other_end = socket.socketpair()
        with other_end:
            try:
                self._process = _start_process(other_end.fileno())
            except OSError as error:
                self._connection.close()
                raise SandboxUnavailable(f"the sandbox's worker can't be started: {error}") from error
        self._deadline = time.monotonic() + START_SECONDS
        try:
            ready = self._receive() == b""
        except (OSError, WorkerFailed):
            ready = False
        except BaseException:
            self.stop()
            raise
        if not ready:
            status = self.stop()
            raise SandboxUnavailable(
                f"the sandbox's worker did not start (exit status {status}); "
                f"see why with: {shlex.join(_worker_command(0))}"
            )

    def ask(self, message: bytes, wall_seconds: float) -> bytes:
        """Return the worker's answer to a request.

        Raises:
            WorkerFailed: it is late, dead or garbled.
        """
        self._deadline = time.monotonic() + wall_seconds
        try:
            self._connection.settimeout(wall_seconds)
            self._connection.sendall(len(message).to_bytes(4, "big") + message)
            return self._receive()
        except TimeoutError:
            raise WorkerFailed("timeout", f"no answer within {wall_seconds:g} seconds") from None
        except OSError:
            raise self._death() from None

    def is_alive(self) -> bool:
        """Tell whether the process has not ended."""
        return self._process.poll() is None

    def stop(self) -> int | None:
        """End the process and return its exit status."""
        self._connection.close()
        if self.is_alive():
            self._process.kill()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:  # stuck in the kernel; it ends when it comes back
            return None

    def _receive(self) -> bytes:
        length = int.from_bytes(self._read(4), "big")
        if length > MAX_MESSAGE_BYTES:
            raise WorkerFailed("runtime_error", "the worker's answer is garbled")
        return self._read(length)

    def _read(self, length: int) -> bytes:
        """Read exactly `length` bytes before the deadline: a trickle of bytes does not move it."""
        parts = b""
        while len(parts) < length:
            # What has arrived by the deadline is still read; a timeout of 0 would be another mode.
            self._connection.settimeout(max(self._deadline - time.monotonic(), 1e-3))
            part = self._connection.recv(length - len(parts))
            if not part:
                raise self._death()
            parts += part
        return parts

    def _death(self) -> WorkerFailed:
        """Return what a worker's end says about the program that it ran."""
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return WorkerFailed("runtime_error", "the worker closed its connection")
        if status == REACHED_OUTSIDE:
            return WorkerFailed("refused", "the program reached outside of the sandbox")
        if status == -signal.SIGXCPU:
            return WorkerFailed("timeout", "the program used up its CPU seconds")
        return WorkerFailed("runtime_error", f"the worker died (exit status {status})")


def _start_process(descriptor: int) -> subprocess.Popen[bytes]:
    # Some installations find their own libraries by this variable alone.
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    # The order of a set is the same in every worker.
    kept["PYTHONHASHSEED"] = "0"
    return subprocess.Popen(
        _worker_command(descriptor),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=kept,
        pass_fds=(descriptor,),
        start_new_session=True,
    )


def _worker_command(descriptor: int) -> list[str]:
    # `inside` is imported as a package of its own, so that the worker loads nothing else of the study.
    code = (
        f"import sys; sys.path.insert(0, {str(_FOLDER)!r}); "
        f"from inside.worker import serve; serve({descriptor})"
    )
    return [sys.executable, "-P", "-s", "-S", "-B", "-W", "ignore", "-c", code]
