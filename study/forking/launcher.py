"""What Ray starts in the place of Python: it lets a process be forked that has the imports already.

    python -I -S launcher.py SOCKET SCRIPT ARGUMENT...

It asks the process at SOCKET (`study.forking.server`) to fork one that runs the script, with this process's
streams, environment and limits, waits for its end and ends alike. Where nobody answers there, it becomes a
Python that runs the script. It is run by its path, and imports nothing but the standard library: it has to
start in no time.
"""

from __future__ import annotations

import json
import os
import socket
import sys

# Bytes of a number on the way: of what follows, a process, an exit status.
NUMBER_BYTES = 4
# Standard input, output and error go with each request. A call has two more: for what to call, and for its
# result.
STREAMS = (0, 1, 2)
_OOM_SCORE_ADJ = "/proc/self/oom_score_adj"


def ask(path: str, arguments: list[str], *more: int) -> socket.socket:
    """Ask for a process like this one, that runs a script with these arguments; return the connection.

    Through it come the process's number and at its end its exit status (negative: a signal's number). Closing
    the connection kills it.

    Args:
        more: descriptors that it gets beside the standard ones.

    Raises:
        OSError: nobody answers at `path`.
    """
    umask = os.umask(0)
    os.umask(umask)
    with open(_OOM_SCORE_ADJ, encoding="ascii") as file:
        oom_score_adj = file.read()
    process = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "umask": umask,
        "niceness": os.nice(0),
        "oom_score_adj": oom_score_adj,
    }
    payload = json.dumps(process).encode()
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
        socket.send_fds(connection, [len(payload).to_bytes(NUMBER_BYTES, "big")], [*STREAMS, *more])
        connection.sendall(payload)
    except OSError:
        connection.close()
        raise
    return connection


def read_number(connection: socket.socket) -> int | None:
    """Return the next number that comes through a connection, or None at its end."""
    data = connection.recv(NUMBER_BYTES, socket.MSG_WAITALL)
    return int.from_bytes(data, "big", signed=True) if len(data) == NUMBER_BYTES else None


def main(path: str, *arguments: str) -> int:
    """Have the script run in a forked process; return its exit status as a shell would give it."""
    try:
        connection = ask(path, [*arguments])
        pid = read_number(connection)
    except OSError:
        pid = None
    if pid is None:
        os.execv(sys.executable, [sys.executable, *arguments])
    status = read_number(connection)
    if status is None:  # who forks is gone, with no word of what it forked: see `study.forking.server`
        return 1
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
