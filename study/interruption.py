"""Being told to stop: Ctrl-C, SIGTERM and SIGHUP end a command alike, each with its own exit status.

Each raises KeyboardInterrupt in the main thread, which every part of a study knows how to end at. A signal
that this process was started to ignore stays ignored: SIGHUP under nohup, SIGINT in a script's `command &`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Received:
    """What has arrived: there is one process, and one main thread in it."""

    heard: tuple[int, ...] = ()
    first: int | None = None
    shielded = False
    waiting = False  # one arrived behind the shield


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the signals raise KeyboardInterrupt in the block, if it is the main thread that runs it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Received.first, _Received.shielded, _Received.waiting = None, False, False
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _Received.heard = tuple(number for number, handler in before.items() if handler is not signal.SIG_IGN)
    hear_again()
    try:
        yield
    finally:
        _Received.heard = ()
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def hear_again() -> None:
    """Take the signals back from a library that has set handlers of its own, in Python or below it."""
    for number in _Received.heard:
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _Received.first is None:
        _Received.first = number
    if _Received.shielded:
        _Received.waiting = True
    else:
        raise KeyboardInterrupt


@contextmanager
def shielded() -> Iterator[None]:
    """Keep the signals out of a block that tidies up; one that arrived meanwhile interrupts at its end."""
    outer, _Received.shielded = _Received.shielded, True
    try:
        yield
    finally:
        _Received.shielded = outer
    if _Received.waiting and not outer:
        _Received.waiting = False
        raise KeyboardInterrupt


def check() -> None:
    """Raise KeyboardInterrupt if a signal has arrived: a library's callback may have swallowed the first.

    Raises:
        KeyboardInterrupt: one has.
    """
    if _Received.first is not None and not _Received.shielded:
        raise KeyboardInterrupt


def hung_up() -> bool:
    """Tell whether SIGTERM or SIGHUP has arrived, which may have ended other processes too."""
    return _Received.first in (signal.SIGTERM, signal.SIGHUP)


def exit_status() -> int:
    """Return the exit status of a command that was told to stop: 128 and the signal's number."""
    return 128 + (_Received.first or signal.SIGINT)


def other_way_to_stop() -> str | None:
    """Return a note for the user where Ctrl-C is ignored, as in a script's `command &`; None elsewhere."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        return None
    return (
        f"Ctrl-C is ignored here, as whoever started this has asked; what stops the study: kill {os.getpid()}"
    )
