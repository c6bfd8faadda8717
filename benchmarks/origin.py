"""Where the figures of a benchmark come from: each file in benchmarks/results begins with it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from study.machine.hardware import processor_name, source_commit
from study.workplace import available_cpus


def command_of(module: str, arguments: Sequence[str] = ()) -> str:
    """Return the command line of a benchmark."""
    return " ".join([f"python -m benchmarks.{module}", *arguments])


def describe_origin(command: str, *, cpus: int | None = None) -> dict[str, Any]:
    """Return the command, the day, the commit and the machine of figures that are measured now.

    Args:
        cpus: those that the benchmark uses, if not all that it may.
    """
    return {
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": source_commit(),
        "machine": {
            "processor": processor_name(),
            "cpus": cpus or available_cpus(),
            "python": platform.python_version(),
            "load_average": round(os.getloadavg()[0], 1),
        },
    }
