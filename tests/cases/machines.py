"""Machines as people have them, and what a study makes of each. tests/study/test_machine_cases.py runs all.

Each table is made by the few lines beside it, and needs no machine of that kind.
"""

import errno
import signal
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Container:
    """Control groups, and what they leave of the machine.

    Attributes:
        own: lines of /proc/self/cgroup.
        mounts: (the group that is mounted, where, the kind of file system, its options).
        files: path -> content below the root.
        cpus, memory_bytes: what must come out.
    """

    name: str
    own: tuple[str, ...]
    mounts: tuple[tuple[str, str, str, str], ...]
    files: dict[str, str]
    cpus: float | None = None
    memory_bytes: float | None = None

    def make(self, root: Path) -> None:
        """Write the files below `root`."""
        places = [f"30 23 0:26 {top} {place} rw - {kind} x {o}" for top, place, kind, o in self.mounts]
        own = {"proc/self/cgroup": self.own, "proc/self/mountinfo": places}
        texts = {path: "\n".join(lines) + "\n" for path, lines in own.items()}
        for path, text in {**texts, **self.files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")


_V2 = (("/", "/sys/fs/cgroup", "cgroup2", "rw"),)
_CPU1 = ("/", "/sys/fs/cgroup/cpu", "cgroup", "rw,cpu,cpuacct")
_MEMORY1 = ("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory")
_G2, _G1, _M1 = "sys/fs/cgroup", "sys/fs/cgroup/cpu", "sys/fs/cgroup/memory"
_GIB = 2**30

CONTAINERS = (
    Container("no control groups", (), (), {}),
    Container("v2, no limit", ("0::/",), _V2, {f"{_G2}/cpu.max": "max 100000\n"}),
    Container("v2, docker --cpus 2", ("0::/",), _V2, {f"{_G2}/cpu.max": "200000 100000\n"}, 2.0),
    Container("v2, half a CPU", ("0::/",), _V2, {f"{_G2}/cpu.max": "50000 100000\n"}, 0.5),
    Container(
        "v2, nested: the outer group is the tighter",
        ("0::/kubepods/pod1/box",),
        _V2,
        {
            f"{_G2}/kubepods/cpu.max": "150000 100000",
            f"{_G2}/kubepods/pod1/cpu.max": "max 100000",
            f"{_G2}/kubepods/pod1/box/cpu.max": "400000 100000",
        },
        1.5,
    ),
    Container(
        "v2, nested: the inner group is the tighter",
        ("0::/a/b",),
        _V2,
        {f"{_G2}/a/cpu.max": "800000 100000", f"{_G2}/a/b/cpu.max": "300000 100000"},
        3.0,
    ),
    Container(
        "v2, a container's own group is mounted",
        ("0::/system.slice/docker-1.scope",),
        (("/system.slice/docker-1.scope", "/sys/fs/cgroup", "cgroup2", "rw"),),
        {f"{_G2}/cpu.max": "100000 100000"},
        1.0,
    ),
    Container(
        "v2, a namespace that shows its parents as dots",
        ("0::/../../init.scope",),
        _V2,
        {f"{_G2}/cpu.max": "100000 50000"},
        2.0,
    ),
    Container(
        "v1, a quota",
        ("4:cpu,cpuacct:/docker/1",),
        (_CPU1,),
        {f"{_G1}/docker/1/cpu.cfs_quota_us": "250000", f"{_G1}/docker/1/cpu.cfs_period_us": "100000"},
        2.5,
    ),
    Container(
        "v1, no quota is -1",
        ("4:cpu,cpuacct:/",),
        (_CPU1,),
        {f"{_G1}/cpu.cfs_quota_us": "-1", f"{_G1}/cpu.cfs_period_us": "100000"},
    ),
    Container(
        "v1, mounted where a container has it",
        ("4:cpu:/docker/1",),
        (("/docker/1", "/sys/fs/cgroup/cpu", "cgroup", "rw,cpu"),),
        {f"{_G1}/cpu.cfs_quota_us": "100000", f"{_G1}/cpu.cfs_period_us": "100000"},
        1.0,
    ),
    Container(
        "v1 and v2 side by side",
        ("4:cpu:/a", "0::/b"),
        (_CPU1, ("/", "/sys/fs/cgroup/unified", "cgroup2", "rw")),
        {f"{_G1}/a/cpu.cfs_quota_us": "300000", f"{_G1}/a/cpu.cfs_period_us": "100000"},
        3.0,
    ),
    Container(
        "a mount point with a space",
        ("0::/",),
        (("/", "/c\\040g", "cgroup2", "rw"),),
        {"c g/cpu.max": "100 100"},
        1.0,
    ),
    Container(
        "nonsense in the files", ("0::/", "x"), _V2, {f"{_G2}/cpu.max": "many\n", f"{_G2}/memory.max": ""}
    ),
    Container(
        "v2, memory, less what is held",
        ("0::/",),
        _V2,
        {
            f"{_G2}/memory.max": str(4 * _GIB),
            f"{_G2}/memory.current": str(3 * _GIB),
            f"{_G2}/memory.stat": f"anon 5\ninactive_file {_GIB}\nactive_file 7\n",
        },
        memory_bytes=2.0 * _GIB,
    ),
    Container(
        "v2, memory, the outer group is the tighter",
        ("0::/a/b",),
        _V2,
        {f"{_G2}/a/memory.max": str(_GIB), f"{_G2}/a/b/memory.max": str(8 * _GIB)},
        memory_bytes=1.0 * _GIB,
    ),
    Container(
        "v2, memory.high slows before memory.max kills",
        ("0::/",),
        _V2,
        {f"{_G2}/memory.max": "max", f"{_G2}/memory.high": str(2 * _GIB)},
        memory_bytes=2.0 * _GIB,
    ),
    Container(
        "v1, memory without a limit",
        ("4:memory:/",),
        (_MEMORY1,),
        {f"{_M1}/memory.limit_in_bytes": "9223372036854771712"},
    ),
    Container(
        "v1, memory of a nested group",
        ("4:memory:/docker/1",),
        (_MEMORY1,),
        {
            f"{_M1}/memory.limit_in_bytes": "9223372036854771712",
            f"{_M1}/docker/1/memory.limit_in_bytes": str(2 * _GIB),
            f"{_M1}/docker/1/memory.usage_in_bytes": str(3 * _GIB),
        },
        memory_bytes=0.0,
    ),
)


@dataclass(frozen=True)
class Launched:
    """An environment that a launcher has made, and what of it is taken out; the rest stays."""

    name: str
    environment: dict[str, str]
    stays: tuple[str, ...] = ()


LAUNCHED = (
    Launched(
        "torchrun",
        {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "h", "MASTER_PORT": "1"},
    ),
    Launched("torchrun's own", {"TORCHELASTIC_RUN_ID": "x", "GROUP_RANK": "0", "ROLE_WORLD_SIZE": "2"}),
    Launched(
        "mpirun of Open MPI", {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "PMIX_RANK": "1"}
    ),
    Launched(
        "mpirun of MPICH", {"PMI_SIZE": "2", "PMI_RANK": "0", "MPI_LOCALRANKID": "0", "HYDRA_BSTRAP_X": "1"}
    ),
    Launched("MVAPICH", {"MV2_COMM_WORLD_SIZE": "2", "MV2_COMM_WORLD_LOCAL_RANK": "0"}),
    Launched("srun", {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LOCALID": "1"}),
    Launched(
        "accelerate", {"ACCELERATE_MIXED_PRECISION": "fp16", "ACCELERATE_USE_CPU": "1", "FSDP_VERSION": "2"}
    ),
    Launched("SageMaker", {"SM_FRAMEWORK_PARAMS": "{}", "SMDATAPARALLEL_LOCAL_RANK": "0"}),
    Launched(
        "none",
        {"CUDA_VISIBLE_DEVICES": "1", "OMP_NUM_THREADS": "2"},
        ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"),
    ),
    Launched(
        "GPUs that a launcher has chosen stay chosen",
        {"RANK": "1", "CUDA_VISIBLE_DEVICES": "1"},
        ("CUDA_VISIBLE_DEVICES",),
    ),
)


@dataclass(frozen=True)
class TemporaryFolder:
    """What TMPDIR and RAY_TMPDIR say, and whether Ray's own folder will do."""

    name: str
    environment: dict[str, str]
    says: str | None = None


TEMPORARY_FOLDERS = (
    TemporaryFolder("none named", {}),
    TemporaryFolder("a short one", {"TMPDIR": "/var/tmp"}),
    TemporaryFolder(
        "too long for sockets", {"TMPDIR": "/tmp/" + "x" * 60}, "the path in TMPDIR is too long for sockets"
    ),
    TemporaryFolder(
        "long by its bytes", {"TMPDIR": "/tmp/" + "ü" * 20}, "the path in TMPDIR is too long for sockets"
    ),
    TemporaryFolder(
        "Ray's own variable comes first",
        {"RAY_TMPDIR": "/tmp/" + "x" * 60, "TMPDIR": "/tmp"},
        "the path in RAY_TMPDIR",
    ),
    TemporaryFolder(
        "not there", {"TMPDIR": "/no/such/folder"}, "'/no/such/folder', by TMPDIR, can't be written"
    ),
    TemporaryFolder("a file", {"RAY_TMPDIR": "/dev/null"}, "'/dev/null', by RAY_TMPDIR, can't be written"),
    TemporaryFolder("empty", {"TMPDIR": ""}, "TMPDIR must be a whole path, received ''"),
    TemporaryFolder("relative", {"TMPDIR": "tmp"}, "TMPDIR must be a whole path, received 'tmp'"),
)

# Encoding of standard output, a text of a table's or a sentence's signs, and the bytes that must come out.
ENCODED = (
    ("utf-8", "23.6 (20.7–26.7) ±", "23.6 (20.7–26.7) ±".encode()),
    ("ascii", "23.6 (20.7–26.7)", b"23.6 (20.7-26.7)"),
    ("ascii", "── × … ≤ “so” ’", b'-- x ... <= "so" \''),
    ("ascii", "+2 ± 1 │ é 日", b"+2 +/- 1 | \\xe9 \\u65e5"),
    ("latin-1", "Ränge 8–32", "Ränge 8-32".encode("latin-1")),
    ("cp1252", "8–32 ──", b"8\x9632 --"),
    ("cp437", "8–32", b"8-32"),
    ("utf-8", "a lone \udc80 surrogate", b"a lone \\udc80 surrogate"),
)

# What a file system says to fsync, and whether that is a fault.
FSYNC = (
    (errno.EINVAL, False),
    (errno.ENOTSUP, False),
    (errno.ENOSYS, False),
    (errno.EBADF, False),
    (errno.EPERM, False),
    (errno.ENOSPC, True),
    (errno.EIO, True),
    (errno.EDQUOT, True),
)


@dataclass(frozen=True)
class Stopped:
    """How a command ends that is told to stop.

    Attributes:
        ignored: signals that it was started to ignore.
        sent: what it is sent, one after another.
        status: its exit status; None: it goes on to its end.
    """

    name: str
    sent: tuple[signal.Signals, ...]
    status: int | None
    ignored: tuple[signal.Signals, ...] = field(default=())


STOPPED = (
    Stopped("Ctrl-C", (signal.SIGINT,), 130),
    Stopped("kill", (signal.SIGTERM,), 143),
    Stopped("its terminal goes", (signal.SIGHUP,), 129),
    Stopped("kill, and Ctrl-C while it ends", (signal.SIGTERM, signal.SIGINT), 143),
    Stopped("Ctrl-C twice", (signal.SIGINT, signal.SIGINT), 130),
    Stopped("nohup", (signal.SIGHUP,), None, (signal.SIGHUP,)),
    Stopped("in a script's background", (signal.SIGINT,), None, (signal.SIGINT,)),
    Stopped("in a script's background, by kill", (signal.SIGINT, signal.SIGTERM), 143, (signal.SIGINT,)),
)
