"""What a control group leaves this process of the machine: a container's share of its CPUs and its memory.

Both versions are read, and every group above the process's own: the least of all is what holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class _Hierarchy:
    """The groups of one controller that a process is in.

    Attributes:
        folders: the process's own group first, then those above it.
        version: of the control groups, 1 or 2.
    """

    folders: tuple[Path, ...]
    version: int


def group_cpus(root: Path = ROOT) -> float | None:
    """Return the CPUs that the groups' quotas come to, 1.5 say; None without a quota."""
    shares = []
    for hierarchy in _hierarchies("cpu", root):
        for folder in hierarchy.folders:
            if hierarchy.version == 2:
                quota, _, period = (_read(folder / "cpu.max") or "max").partition(" ")
            else:
                quota = _read(folder / "cpu.cfs_quota_us") or ""
                period = _read(folder / "cpu.cfs_period_us") or ""
            if quota.isdigit() and period.isdigit() and int(period):  # "max", or -1: none
                shares.append(int(quota) / int(period))
    return min(shares, default=None)


def group_memory(root: Path = ROOT) -> float | None:
    """Return the bytes that the groups' limits leave to be taken; None without a limit.

    What a group holds of files that can be read again counts as free.
    """
    free = []
    for hierarchy in _hierarchies("memory", root):
        for folder in hierarchy.folders:
            limits = [_number(folder / name) for name in _LIMITS[hierarchy.version]]
            limit = min((found for found in limits if found is not None), default=None)
            if limit is not None and limit < _NO_LIMIT:
                free.append(max(0.0, limit - _held(folder, hierarchy.version)))
    return min(free, default=None)


# memory.high is no limit that kills, but over it a process is slowed to a halt.
_LIMITS = {1: ("memory.limit_in_bytes",), 2: ("memory.max", "memory.high")}
# Version 1 says "no limit" by the largest whole number of pages.
_NO_LIMIT = 2**62
_USED = {1: "memory.usage_in_bytes", 2: "memory.current"}
_FILES = {1: "total_inactive_file", 2: "inactive_file"}


def _held(folder: Path, version: int) -> float:
    stat = _read(folder / "memory.stat") or ""
    found = re.search(rf"^{_FILES[version]} (\d+)$", stat, flags=re.MULTILINE)
    return (_number(folder / _USED[version]) or 0) - (int(found[1]) if found else 0)


def _hierarchies(controller: str, root: Path) -> Iterator[_Hierarchy]:
    own = _own_groups(root)
    for line in (_read(root / "proc/self/mountinfo") or "").splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = (file_system.split(" ") + ["", "", ""])[:3]
        if len(fields := mount.split(" ")) < 5:
            continue
        top, place = (_unescape(text) for text in fields[3:5])
        controllers = {"cgroup2": "", "cgroup": controller}
        wanted = kind == "cgroup2" or (kind == "cgroup" and controller in options.split(","))
        if wanted and (group := own.get(controllers[kind])) is not None:
            folders = _folders(root / place.lstrip("/"), top, group)
            yield _Hierarchy(folders, 2 if kind == "cgroup2" else 1)


def _own_groups(root: Path) -> dict[str, str]:
    """Return controller -> the group that this process is in; "" stands for version 2."""
    found: dict[str, str] = {}
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        names, _, group = rest.partition(":")
        found |= dict.fromkeys(names.split(","), group)
    return found


def _folders(mount: Path, top: str, group: str) -> tuple[Path, ...]:
    """Return the folders of a group and of those above it, as far as they are mounted.

    Args:
        top: the group that is mounted at `mount`.
        group: the process's own; outside what is mounted where a container shows its own groups alone.
    """
    top = top.rstrip("/")
    inside = group == top or group.startswith(f"{top}/")
    parts = [part for part in group[len(top) :].split("/") if part] if inside and ".." not in group else []
    return tuple(mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _unescape(text: str) -> str:
    """Return a path of mountinfo, which writes a space as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _number(path: Path) -> int | None:
    text = _read(path) or ""
    return int(text) if text.isdigit() else None


def _read(path: Path) -> str | None:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return None
