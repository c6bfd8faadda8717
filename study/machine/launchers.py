"""What a launcher of many processes has put into the environment (torchrun, mpirun, srun, accelerate).

A trial runs alone. By these variables the libraries would take it for one of several: it would wait for peers
that never come, or compute in another precision than the study says.
"""

from __future__ import annotations

from collections.abc import MutableMapping

_NAMES = frozenset(
    ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    + ("NODE_RANK", "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_WORLD_SIZE", "ROLE_NAME")
    + ("NPROC", "NPROC_PER_NODE", "NNODES", "FORK_LAUNCHED", "SM_FRAMEWORK_PARAMS", "SM_HP_MP_PARAMETERS")
    + ("MPI_LOCALRANKID", "MPI_LOCALNRANKS", "CCL_WORKER_COUNT", "XLA_USE_BF16", "XLA_DOWNCAST_BF16")
)  # fmt: skip
_PREFIXES = (
    ("SLURM_", "OMPI_", "PMI_", "PMIX_", "MV2_COMM_", "HYDRA_", "PALS_", "JSM_", "FLUX_")
    + ("TORCHELASTIC_", "ACCELERATE_", "FSDP_", "MEGATRON_LM_", "PARALLELISM_CONFIG_", "SMDATAPARALLEL_")
)  # fmt: skip


def leave_launcher(environment: MutableMapping[str, str]) -> list[str]:
    """Take a launcher's variables out of an environment, and return their names."""
    found = sorted(name for name in environment if name in _NAMES or name.startswith(_PREFIXES))
    for name in found:
        del environment[name]
    return found


def describe(names: list[str]) -> str:
    """Return a note for the user on variables that were taken out."""
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"a launcher has set {shown}; they are left aside here: every trial runs alone"
