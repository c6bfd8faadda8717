"""A GPU's utilisation and memory while something runs: NVML's figures, as `nvidia-smi` says them.

The driver brings `nvidia-smi`, so nothing has to be installed. Utilisation is the share of the time in which
any kernel ran, so a GPU that is busy all the time may still do little at once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import NamedTuple

SAMPLE_MS = 200
_FIELDS = "timestamp,utilization.gpu,memory.used"


class Reading(NamedTuple):
    """What the GPU did at a time: s since the epoch, % of utilisation, MiB in use."""

    time: float
    utilisation: float
    memory_mib: float


def chosen_gpu() -> str:
    """Return the GPU that is used: the first that this process may see, by its number or name."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]


def why_no_gpu() -> str | None:
    """Return in one line why no GPU can be measured here; None if one can."""
    import torch

    if shutil.which("nvidia-smi") is None:
        return "there is no nvidia-smi, and so no NVML to read a GPU by"
    done = subprocess.run(_query(), capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return f"nvidia-smi reads no GPU: {said[0] if said else done.returncode}"
    return None if torch.cuda.is_available() else "torch sees no GPU (is this its CPU build?)"


def describe_gpu() -> str:
    """Return the name of the GPU that is used."""
    import torch

    return torch.cuda.get_device_name()


@contextmanager
def reading_gpu() -> Iterator[list[Reading]]:
    """Read the GPU five times a second while the block runs; the list is filled when it ends."""
    readings: list[Reading] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.csv"
        with path.open("w", encoding="utf-8") as file:
            sampler = subprocess.Popen([*_query(), f"--loop-ms={SAMPLE_MS}"], stdout=file)
        try:
            yield readings
        finally:
            sampler.terminate()
            sampler.wait()
            readings += parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> list[Reading]:
    """Return the readings in what nvidia-smi wrote; a line that was cut off is left out."""
    readings = []
    for line in text.splitlines():
        try:
            when, *numbers = line.split(", ")
            utilisation, memory = map(float, numbers)
            moment = datetime.strptime(when, "%Y/%m/%d %H:%M:%S.%f")
        except ValueError:
            continue
        readings.append(Reading(moment.timestamp(), utilisation, memory))
    return readings


def _query() -> list[str]:
    return ["nvidia-smi", f"--id={chosen_gpu()}", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]


def mean_utilisation(readings: Sequence[Reading], began: float, ended: float) -> float | None:
    """Return the mean utilisation between two times, %; None where nothing was read."""
    own = [reading.utilisation for reading in readings if began <= reading.time <= ended]
    return mean(own) if own else None


def peak_memory_mib(readings: Sequence[Reading]) -> float | None:
    """Return the most memory in use, MiB; None where nothing was read."""
    return max((reading.memory_mib for reading in readings), default=None)
