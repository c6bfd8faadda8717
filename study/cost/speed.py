"""What one slot of this machine has: its speed in a short matrix product, and its memory."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import psutil

from study.engine.slots import Slots
from study.machine.cgroup import group_memory
from study.workplace import available_cpus

# What a GPU of 16 GB or more reaches on models this small. Assumed where there is none to measure.
ASSUMED_GPU_FLOPS = 40e12


@dataclass(frozen=True)
class Speed:
    """What a slot has.

    Attributes:
        flops: floating-point operations a second of a plain product.
        memory_bytes: of its GPU's share on GPUs, else of the host; None where nothing was measured.
        measured: whether it is this machine's, or assumed.
    """

    flops: float
    memory_bytes: float | None = None
    measured: bool = True


ASSUMED = Speed(ASSUMED_GPU_FLOPS, measured=False)


def measure_slot(slots: Slots) -> Speed:
    """Return the speed and the memory of one slot.

    A GPU is measured in a process of its own, which gives its memory back: the trials need all of it.
    """
    if not slots.gpus:
        # More slots than this machine has CPUs are a cluster's, of whose memory nothing is known here.
        here = slots.count * slots.cpus <= available_cpus()
        return Speed(_measure_rate("cpu", slots.cpus), free_memory() / slots.count if here else None)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure_gpu, slots).result()


def free_memory() -> float:
    """Return the bytes of memory that this machine, or this container, has to give."""
    available, group = psutil.virtual_memory().available, group_memory()
    return float(available if group is None else min(available, group))


def _measure_gpu(slots: Slots) -> Speed:
    import torch

    if not torch.cuda.is_available():  # the driver of a cluster may stand on a node without one
        return ASSUMED
    memory = torch.cuda.mem_get_info()[0] * min(slots.gpus, 1.0)
    # The rate is not shared out: a small model leaves most of a GPU idle. A study of eight trials at a time
    # on an H200 took 8 minutes (benchmarks/results/paper_lora_vs_qlora.json); sharing it out foresaw 33.
    return Speed(_measure_rate("cuda", slots.cpus), memory)


def _measure_rate(device: str, threads: int) -> float:
    import torch

    torch.set_num_threads(threads)
    left, right = torch.rand(1024, 512, device=device), torch.rand(512, 512, device=device)

    def product() -> float:
        started = time.perf_counter()
        # Reading one element waits for the GPU.
        float((left @ right)[0, 0])
        return time.perf_counter() - started

    return 2 * 1024 * 512 * 512 / min(product() for _ in range(20))
