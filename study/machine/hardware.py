"""What a trial runs on: precision, peak memory, and where its numbers come from."""

from __future__ import annotations

import os
import platform
import subprocess
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Literal

import psutil

PACKAGES = (
    ("ray", "torch", "transformers", "peft", "bitsandbytes", "datasets", "optuna")
    + ("sentence-transformers", "rouge-score", "pyarrow", "accelerate")
)  # fmt: skip


def pick_precision(wanted: str, *, use_gpu: bool) -> Literal["bf16", "fp32"]:
    """Return the precision to compute in: bf16 where the hardware has it, unless the user said otherwise.

    fp16 is not offered: T5 overflows in it and trains at a loss of 0.
    """
    if wanted == "bf16" or (wanted == "auto" and has_bf16(use_gpu=use_gpu)):
        return "bf16"
    return "fp32"


@cache
def has_bf16(*, use_gpu: bool) -> bool:
    """Tell whether the GPU, or the CPU, multiplies bf16 matrices in hardware."""
    import torch

    if use_gpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class PeakMemory:
    """Measures the peak memory of a block: device memory on a GPU, else the process's resident set.

    The resident set is sampled, because the kernel's own high-water mark never comes down again in a
    worker that runs one trial after another.
    """

    INTERVAL_SECONDS = 0.05

    def __init__(self, *, use_gpu: bool):
        self.peak_bytes = 0
        self._use_gpu = use_gpu
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> PeakMemory:
        if self._use_gpu:
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._use_gpu:
            import torch

            self.peak_bytes = torch.cuda.max_memory_allocated()
        else:
            self._stop.set()
            self._sampler.join()

    def _sample(self) -> None:
        process = psutil.Process()
        while True:
            self.peak_bytes = max(self.peak_bytes, process.memory_info().rss)
            if self._stop.wait(self.INTERVAL_SECONDS):
                return


@cache
def describe_machine(*, use_gpu: bool) -> str:
    """Return the processor's (and the GPU's) name and the number of cores, in one line."""
    cores = f"{processor_name()}, {os.cpu_count()} cores"
    if not use_gpu:
        return cores
    import torch

    return f"{torch.cuda.get_device_name()}; {cores}"


def processor_name() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def describe_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a result."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


@cache
def source_commit() -> str | None:
    """Return the git commit of this code, with '+dirty' for uncommitted changes; None outside a checkout."""
    here = Path(__file__).parents[1]  # the package: what is changed in it makes a commit dirty
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return f"{commit}+dirty" if _git(here, "status", "--porcelain", "--", ".") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        capture_output=True,
        check=True,
        timeout=10,
        encoding="utf-8",
        errors="replace",
    )
    return done.stdout.strip()
