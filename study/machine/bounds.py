"""Bounds on what somebody's code may take up in this process: seconds, and memory.

For code that is run in a sandbox of Python's own (a model's chat template), where it can do no harm but take
for ever, or fill the memory.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn


@contextmanager
def bounded(seconds: float, more_bytes: int) -> Iterator[None]:
    """Raise TimeoutError or MemoryError in the block where it takes longer, or takes up more.

    The time is kept in the main thread alone, the memory on Linux alone.
    """
    with _bounded_memory(more_bytes), _bounded_time(seconds):
        yield


@contextmanager
def _bounded_time(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"it takes longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _bounded_memory(more_bytes: int) -> Iterator[None]:
    status = Path("/proc/self/statm")
    if not status.is_file():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(status.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    ends = [now + more_bytes, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(ends), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
