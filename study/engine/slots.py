"""Slots: how many trials run at once on a machine or a cluster's machines, and what each of them gets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.errors import UserError
from study.workplace import available_cpus

# What trials that share a GPU may fill of its memory, and how many they are at most: more were not tried.
_FILLED, _MOST_ON_A_GPU = 0.9, 8


@dataclass(frozen=True)
class Placement:
    """How the user wants the machines used. None: decided from what is there."""

    cpus_per_trial: int | None = None
    gpus_per_trial: float | None = None
    at_most: int | None = None


@dataclass(frozen=True)
class Machine:
    """What there is to use."""

    cpus: int
    gpus: int


def machine_of(resources: Mapping[str, float]) -> Machine:
    """Return the machine that has these Ray resources."""
    return Machine(int(resources.get("CPU", 0)), int(resources.get("GPU", 0)))


def look_at_machine() -> Machine:
    """Return the CPUs this process may use and the GPUs that torch sees."""
    gpus = 0
    if shutil.which("nvidia-smi"):  # without it there is no driver, and no need to wait for torch
        import torch

        gpus = torch.cuda.device_count()
    return Machine(available_cpus(), gpus)


@dataclass(frozen=True)
class Slots:
    """How the machines are divided: `count` trials at once, each with its CPUs and its share of a GPU.

    Attributes:
        capped: whether the machines could take more, but may not.
    """

    count: int
    cpus: int
    gpus: float
    capped: bool = False


def choose_slots(
    machines: Sequence[Machine], placement: Placement, trials: int, where: str = "this machine"
) -> Slots:
    """Return the slots for a study of so many trials. A trial runs on one machine, whole.

    On machines with a GPU every trial gets a GPU, or the share the user names; elsewhere a CPU each.

    Args:
        machines: this machine, or all that a cluster has or may grow to.
        where: what they are called in an error.

    Raises:
        UserError: no machine has what one trial is to be given; the message says what is short.
    """
    if placement.at_most is not None and placement.at_most < 1:
        raise UserError(f"--max-concurrent must be at least 1, received {placement.at_most}")
    gpus = _gpus_per_trial(machines, placement.gpus_per_trial, where)
    cpus = _check_cpus(machines, placement.cpus_per_trial, gpus, where)
    each = [count for machine in machines if (count := _fit(machine, cpus or 1, gpus))]
    count = min(sum(each), trials, placement.at_most or trials)
    capped = placement.at_most is not None and placement.at_most < sum(each)
    if cpus is None and gpus:
        hosts = [machine for machine in machines if _fit(machine, 1, gpus)]
        cpus = min(host.cpus // min(_fit(host, 1, gpus), count) for host in hosts)
    return Slots(count, cpus or 1, gpus, capped)


def trials_on_a_gpu(trial_bytes: float, gpu_bytes: float, cpus: int) -> int:
    """Return how many trials can share a GPU: by its memory, and a CPU for each; at least one.

    Args:
        trial_bytes: of the GPU's memory, at the peak of the largest trial.
        cpus: beside each GPU.
    """
    by_memory = int(_FILLED * gpu_bytes / trial_bytes)
    return max(1, min(by_memory, cpus, _MOST_ON_A_GPU))


def share_of_a_gpu(trials: int) -> float:
    """Return what `--gpus-per-trial` is for so many trials on a GPU, in three digits.

    Rounded down: six times 0.167 is more than one GPU.
    """
    return int(1000 / trials) / 1000


def _fit(machine: Machine, cpus: int, gpus: float) -> int:
    """Return how many trials fit on a machine at once."""
    by_gpu = int(machine.gpus / gpus + 1e-9) if gpus else machine.cpus
    return min(by_gpu, machine.cpus // cpus)


def _gpus_per_trial(machines: Sequence[Machine], wanted: float | None, where: str) -> float:
    most = max((machine.gpus for machine in machines), default=0)
    if wanted is None:
        return float(min(most, 1))
    if wanted < 0:
        raise UserError(f"--gpus-per-trial must not be negative, received {wanted:g}")
    if wanted > 1:
        raise UserError(
            f"--gpus-per-trial must be at most 1, for a trial's model lies on one GPU, received {wanted:g}; "
            "with more GPUs more trials run at once"
        )
    if wanted and not most:
        raise UserError(f"--gpus-per-trial {wanted:g}: {where} has no GPU that can be used")
    return wanted


def _check_cpus(machines: Sequence[Machine], wanted: int | None, gpus: float, where: str) -> int | None:
    """Return the CPUs that the user wants for a trial, once a machine is found that has them."""
    hosts = [machine for machine in machines if machine.gpus >= gpus]
    most = max((machine.cpus for machine in hosts), default=0)
    if most < 1:
        beside = f" beside {gpus:g} GPU" if gpus else ""
        raise UserError(f"too few CPUs on {where}: a trial needs 1{beside}, and no machine there has it")
    if wanted is not None and not 1 <= wanted <= most:
        raise UserError(f"--cpus-per-trial must be 1 to {most} on {where}, received {wanted}")
    return wanted
