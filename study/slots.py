"""Slots: how many trials run at once on this machine, and what each of them gets."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from study.errors import UserError
from study.workplace import available_cpus


@dataclass(frozen=True)
class Placement:
    """How the user wants the machine used. None: decided from what is there."""

    cpus_per_trial: int | None = None
    gpus_per_trial: float | None = None


@dataclass(frozen=True)
class Machine:
    """What there is to use."""

    cpus: int
    gpus: int


def look_at_machine() -> Machine:
    """Return the CPUs this process may use and the GPUs that torch sees."""
    gpus = 0
    if shutil.which("nvidia-smi"):  # without it there is no driver, and no need to wait for torch
        import torch

        gpus = torch.cuda.device_count()
    return Machine(available_cpus(), gpus)


@dataclass(frozen=True)
class Slots:
    """How the machine is divided: `count` trials at once, each with its CPUs and its share of a GPU."""

    count: int
    cpus: int
    gpus: float


def choose_slots(machine: Machine, placement: Placement, trials: int) -> Slots:
    """Return the slots for a study of so many trials.

    On a GPU machine every trial gets a GPU, or the share the user names; elsewhere a CPU each.

    Raises:
        UserError: the machine has less than one trial is to be given.
    """
    cpus, gpus = placement.cpus_per_trial, placement.gpus_per_trial
    if cpus is not None and not 1 <= cpus <= machine.cpus:
        raise UserError(f"--cpus-per-trial must be 1 to {machine.cpus} on this machine, received {cpus}")
    if gpus is not None and gpus < 0:
        raise UserError(f"--gpus-per-trial must not be negative, received {gpus:g}")
    if gpus and not machine.gpus:
        raise UserError(f"--gpus-per-trial {gpus:g}: this machine has no GPU that torch can use")
    if gpus and gpus > machine.gpus:
        raise UserError(f"--gpus-per-trial must be at most {machine.gpus} on this machine, received {gpus:g}")
    if gpus and gpus > 1 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial must be a share of one GPU or a whole number, received {gpus:g}")
    gpus = gpus if gpus is not None else float(min(machine.gpus, 1))
    by_gpu = int(machine.gpus / gpus + 1e-9) if gpus else machine.cpus
    count = max(1, min(by_gpu, machine.cpus // (cpus or 1), trials))
    return Slots(count, cpus or (max(1, machine.cpus // count) if gpus else 1), gpus)
