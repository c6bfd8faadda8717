"""What the worker gives up before it reads a program: memory, files, processes, the outside.

Each limit that a system does not know is skipped; the language and the interpreter do not rely on them.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

try:
    import resource
except ImportError:  # a system without resource limits
    resource = None  # type: ignore[assignment]

MEMORY_BYTES = 512 * 2**20
CPU_SECONDS = 10

# The exit status of a worker whose audit hook saw a program reach outside.
REACHED_OUTSIDE = 70

# The name under which programs are parsed: Python tries to open it, to quote the line of a syntax error.
PROGRAM_NAME = "<program>"

# What the worker itself does for every program: parse, and renew a limit (which only root can raise).
_OWN_EVENTS = frozenset(("compile", "resource.setrlimit"))


def give_up_resources() -> None:
    """Bound memory, forbid core files, writing to files, new processes and new file descriptors.

    The descriptors that are open stay usable; no file and no socket can be opened after this.
    """
    for name, amount in (
        ("RLIMIT_AS", MEMORY_BYTES),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_NOFILE", 0),
    ):
        _set_limit(name, amount, amount)


def renew_cpu_limit() -> None:
    """Let the kernel end this process once it has used `CPU_SECONDS` more: a worker without its host too."""
    if resource is not None:
        _set_limit("RLIMIT_CPU", int(time.process_time()) + CPU_SECONDS, resource.RLIM_INFINITY)


def end_at_outside_events() -> None:
    """End this process at any audited event (open, import, socket, exec, ...). It can't be undone."""
    sys.addaudithook(_end_unless_own)


def _end_unless_own(event: str, arguments: tuple[Any, ...]) -> None:
    quoting = event == "open" and arguments[0] == PROGRAM_NAME  # fails: there are no descriptors left
    if event not in _OWN_EVENTS and not quoting:
        os._exit(REACHED_OUTSIDE)


def _set_limit(name: str, soft: int, hard: int) -> None:
    if resource is None or not hasattr(resource, name):
        return
    kind = getattr(resource, name)
    limit = resource.getrlimit(kind)[1]
    if limit != resource.RLIM_INFINITY:
        # A hard limit can't be raised again.
        hard = limit if hard == resource.RLIM_INFINITY else min(hard, limit)
        soft = min(soft, limit)
    try:
        resource.setrlimit(kind, (soft, hard))
    except (OSError, ValueError):
        return
