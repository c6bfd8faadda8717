"""What a cluster's autoscaler may start: machines that a study can count on though none of them runs yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from study.engine.ray_internals.processes import find_autoscaler_file
from study.engine.slots import Machine, machine_of


def planned_machines() -> list[Machine]:
    """Return the machines that the connected cluster may have at once, its head included.

    Ray (2.60) tells nobody what its autoscaler may start. It is in the file that the autoscaler reads, on the
    head, where the driver runs, too: elsewhere, and without an autoscaler, the list is empty.
    """
    path = find_autoscaler_file()
    return [] if path is None else _machines_in(yaml.safe_load(path.read_text(encoding="utf-8")))


def _machines_in(config: Mapping[str, Any]) -> list[Machine]:
    """Return the head of a cluster file and the largest workers that it allows at once."""
    kinds, head, most = config["available_node_types"], config["head_node_type"], config["max_workers"]
    workers = [
        machine_of(kind.get("resources") or {})
        for name, kind in kinds.items()
        for _ in range(min(most, kind.get("max_workers", 0 if name == head else most)))
    ]
    workers.sort(key=lambda machine: (machine.gpus, machine.cpus), reverse=True)
    return [machine_of(kinds[head].get("resources") or {}), *workers[:most]]
