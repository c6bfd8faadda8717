"""The worker's loop: read a program, run it, answer. Messages are a 4-byte length and that many bytes.

A request is a letter and a text: `A`, a program that computes an answer; or `T`, 4 bytes with the length of
the tests, the tests, and the program that is held against them.

It talks on one private descriptor and ends when the host closes its side.
"""

from __future__ import annotations

import os
import sys
import unicodedata  # noqa: F401  the parser imports it at the first name that is not ASCII: too late then

from .checking import check_program
from .execute import execute
from .limits import end_at_outside_events, give_up_resources, renew_cpu_limit

# Deeper than any program that the language lets pass needs: see MAX_DEPTH and MAX_CALL_DEPTH.
RECURSION_LIMIT = 20_000


def serve(descriptor: int) -> None:
    """Answer programs until the host closes the connection. An empty message says that it is ready."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    execute("warm = 1; warm_é = 2")
    check_program("warm_é = [1]", "assert sorted(warm_é) == [1]")
    give_up_resources()
    end_at_outside_events()
    _send(descriptor, b"")
    while (request := _receive(descriptor)) is not None:
        renew_cpu_limit()
        outcome, number, detail = _answer(request)
        _send(descriptor, "\0".join((outcome, number, detail)).encode("utf-8", "backslashreplace"))


def _answer(request: bytes) -> tuple[str, str, str]:
    if request[:1] == b"A":
        return execute(_text(request[1:]))
    end = 5 + int.from_bytes(request[1:5], "big")
    return check_program(_text(request[end:]), _text(request[5:end]))


def _text(message: bytes) -> str:
    return message.decode("utf-8", "surrogatepass")


def _receive(descriptor: int) -> bytes | None:
    header = _read(descriptor, 4)
    return None if header is None else _read(descriptor, int.from_bytes(header, "big"))


def _read(descriptor: int, length: int) -> bytes | None:
    parts = b""
    while len(parts) < length:
        part = os.read(descriptor, length - len(parts))
        if not part:
            return None
        parts += part
    return parts


def _send(descriptor: int, message: bytes) -> None:
    waiting = len(message).to_bytes(4, "big") + message
    while waiting:
        waiting = waiting[os.write(descriptor, waiting) :]
