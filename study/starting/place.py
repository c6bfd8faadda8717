"""Where a study runs, as its options have it: this machine or a cluster, so many slots, watched how."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console

from study.command_line import say
from study.engine.readiness import check_machine
from study.engine.slots import Placement, Slots, choose_slots, look_at_machine
from study.engine.watching import Watching, choose_watching
from study.plan.binding import workplace_of
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.sizes import parse_size


def on_cluster(options: argparse.Namespace) -> bool:
    """Whether the options name a Ray cluster."""
    return options.address not in (None, "", "local")


def connect(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Return the connection to the cluster that the options name, if they name one."""
    if not on_cluster(options):
        return nullcontext()
    from study.engine.cluster import cluster_ray

    return cluster_ray(options.address)


def check_nodes_of(options: argparse.Namespace, folder: ResultsFolder, plan: Plan) -> None:
    """Check that each node of the cluster has the results folder, the models and the data."""
    if on_cluster(options):
        from study.engine.cluster import check_nodes

        check_nodes(folder.address, [workplace_of(plan, name) for name in plan.models])


def slots_of(options: argparse.Namespace, plan: Plan) -> Slots:
    """Return how many trials run at once, and each one's share of the machines."""
    placement = Placement(options.cpus_per_trial, options.gpus_per_trial, options.max_concurrent)
    if not on_cluster(options):
        return choose_slots([look_at_machine()], placement, plan.trials)
    from study.engine.cluster import cluster_machines

    return choose_slots(cluster_machines(), placement, plan.trials, where="this cluster's nodes")


def watching_of(options: argparse.Namespace, console: Console) -> Watching:
    """Return how the study is watched, and say what of this machine may trouble it."""
    watching = choose_watching(options.track, dashboard=not options.no_dashboard)
    for note in check_machine(local=not on_cluster(options)):
        say(console, f"Note: {note}")
    return watching


def max_disk_of(options: argparse.Namespace, before: float | None = None) -> float | None:
    """Return the most bytes that the results folder may take up, or what was said before."""
    return before if options.max_disk is None else parse_size("--max-disk", options.max_disk)
