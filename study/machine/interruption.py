"""Being told to stop: Ctrl-C, SIGTERM and SIGHUP end a command alike, each with its own exit status.

Each raises KeyboardInterrupt in the main thread, which every part of a study knows how to end at. A signal
that this process was started to ignore stays ignored: SIGHUP under nohup, SIGINT in a script's `command &`.

It is raised once more where it was lost, in a destructor or another callback of the interpreter. No import is
cut short: the signal waits for its end, for a native module that is interrupted may abort the process.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds after which a signal comes again that was lost or had to wait, and for which it waits at most.
AGAIN_SECONDS = 0.01
LONGEST_IMPORT_SECONDS = 10.0


class _Received:
    """What has arrived: there is one process, and one main thread in it."""

    heard: tuple[int, ...] = ()
    first: int | None = None
    first_at = 0.0  # by time.monotonic
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
    unraisable = sys.unraisablehook
    sys.unraisablehook = _not_lost
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
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
        _Received.first, _Received.first_at = number, time.monotonic()
    if _Received.shielded:
        _Received.waiting = True
    elif _is_importing(frame) and time.monotonic() - _Received.first_at < LONGEST_IMPORT_SECONDS:
        _come_again(number)
    else:
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    """Tell whether a frame runs within an import statement."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "_find_and_load" and code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _come_again(number: int) -> None:
    timer = threading.Timer(AGAIN_SECONDS, _thread.interrupt_main, [number])
    timer.daemon = True
    timer.start()


def _not_lost(lost: UnraisableHookArgs) -> None:
    """Take what the interpreter could not raise; of a KeyboardInterrupt, let the signal come again."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        _come_again(_Received.first or signal.SIGINT)
    else:
        sys.__unraisablehook__(lost)


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
