"""Noticing that Ray's own process on this machine, the raylet, has died.

Without it no trial can go on, and Ray notices late: it would end the driver from within, after a quarter of a
minute and a hundred lines.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

from study.engine.ray_internals.processes import find_raylets
from study.errors import RayLost
from study.machine.interruption import hung_up

INTERVAL_SECONDS = 0.3


@contextmanager
def ended_with_the_raylet() -> Iterator[None]:
    """Raise `RayLost` in the block, which the main thread runs, soon after this process's raylet has died.

    On a cluster the raylet is no child of this process, and nothing is watched.
    """
    raylets = find_raylets()
    lost, over = threading.Event(), threading.Event()
    main = threading.main_thread().ident

    def watch() -> None:
        while not over.wait(INTERVAL_SECONDS):
            if not all(_is_alive(raylet) for raylet in raylets):
                lost.set()
                if main is not None:
                    signal.pthread_kill(main, signal.SIGINT)  # what interrupts Ray wherever it waits
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        with _heard(lost):
            yield
    except KeyboardInterrupt:
        if lost.is_set() and not hung_up():
            raise RayLost("Ray's process on this machine (the raylet) has died") from None
        raise
    finally:
        over.set()
        watcher.join()


@contextmanager
def _heard(lost: threading.Event) -> Iterator[None]:
    """Let SIGINT interrupt the block once `lost` is set, where this process was started to ignore it."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if lost.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
