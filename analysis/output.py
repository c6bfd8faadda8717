"""Standard output and error as machines have them: in any encoding, closed, full, or without a reader.

What can't be encoded is written in plain signs, and what can't be written at all is dropped: no output is a
reason to lose the work that it tells of.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO

# What tables and sentences hold beside ASCII, in plain signs.
_PLAIN = {
    **dict.fromkeys("–—−‐‑─━╌┄", "-"),
    **dict.fromkeys("│┃╎┆", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛╇╈╡╞", "+"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’‚", "'"),
    **{"×": "x", "±": "+/-", "…": "...", "≤": "<=", "≥": ">=", "→": "->", "·": ".", "\u00a0": " "},
}
_HANDLER = "plain_signs"
# Signs a line, of what COLUMNS says.
LEAST_WIDTH, MOST_WIDTH = 40, 10_000


def _write_plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    escaped = (_PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in lost)
    return "".join(escaped), error.end


codecs.register_error(_HANDLER, _write_plainly)


class _SteadyStream:
    """A text stream whose `write` and `flush` raise nothing; all else is the stream's own."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self.fault: OSError | None = None
        self.on_fault: Callable[[OSError], None] | None = None

    def write(self, text: str) -> int:
        """Write, as long as that can be done."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, as long as that can be done."""
        self._try(self._stream.flush)

    def _try(self, do: Any) -> None:
        if self.fault is not None:
            return
        try:
            do()
        except ValueError:  # it is closed
            self.fault = OSError(errno.EBADF, os.strerror(errno.EBADF))
        except OSError as error:
            self.fault = error
            # Python flushes what is left once more at its end.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if self.on_fault is not None:
                self.on_fault(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@dataclass(frozen=True)
class Output:
    """What has become of a command's output.

    Attributes:
        stream: standard output.
    """

    stream: Any

    @property
    def fault(self) -> str | None:
        """Why it can't be written.

        None if it can, or if nobody read it to its end, as `| head` does, or if that was told already.
        """
        error = getattr(self.stream, "fault", None)
        if error is None or error.errno == errno.EPIPE or self.stream.on_fault is not None:
            return None
        return _reason(error)


def tell_of_fault(tell: Callable[[str], None]) -> None:
    """From now on call `tell` with the reason when standard output can't be written: the work goes on."""
    stream = sys.stdout
    if isinstance(stream, _SteadyStream):
        stream.on_fault = lambda error: tell(_reason(error))
        if stream.fault is not None:
            stream.on_fault(stream.fault)


def _reason(error: OSError) -> str:
    return str(error.strerror or error)


@contextmanager
def steady_output() -> Iterator[Output]:
    """Let standard output and error raise nothing in the block, whatever they are."""
    _open_closed()
    _leave_width()
    saved = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_steady(stream) for stream in saved)
    try:
        yield Output(sys.stdout)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        sys.stdout, sys.stderr = saved


def _leave_width() -> None:
    """Leave aside a width that no table fits in: where there is no terminal, COLUMNS may be 0."""
    width = os.environ.get("COLUMNS", "")
    if width.isdigit() and not LEAST_WIDTH <= int(width[:9]) <= MOST_WIDTH:
        del os.environ["COLUMNS"]


def _steady(stream: TextIO | None) -> Any:
    if stream is None:  # it was closed when the command was started
        return open(os.devnull, "w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors=_HANDLER)
    return _SteadyStream(stream)


def _open_closed() -> None:
    """Open the standard descriptors that are closed: the next file would be one, and be printed to."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free
