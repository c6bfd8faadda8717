"""A Ray cluster on one machine whose autoscaler may start two workers, for a test: prints its address.

    python -m tests.cluster.growing_cluster FOLDER     # the end of standard input stops it

The autoscaler's own file goes to FOLDER. Its provider is Ray's fake one, whose machines are raylets here.
"""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml

os.environ["RAY_FAKE_CLUSTER"] = "1"  # else Ray refuses the provider
import ray
from ray.cluster_utils import Cluster

# The autoscaler asks for these, though its provider has no use for them.
UNUSED: dict[str, Any] = {
    **{name: {} for name in ("auth", "docker", "file_mounts")},
    **{name: [] for name in ("cluster_synced_files", "initialization_commands", "setup_commands")},
    **{f"{kind}_setup_commands": [] for kind in ("head", "worker")},
    **{f"{kind}_start_ray_commands": [] for kind in ("head", "worker")},
}


def config_for(gcs_address: str) -> dict[str, Any]:
    """Return the file of a head on which no trial fits, and of two workers of a CPU at most."""
    head = "ray.head.default"
    return {
        **UNUSED,
        "cluster_name": "growing",
        "provider": {"type": "fake_multinode", "gcs_address": gcs_address},
        "max_workers": 2,
        "upscaling_speed": 2,
        "idle_timeout_minutes": 5,
        "head_node_type": head,
        "available_node_types": {
            head: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": 2},
        },
    }


def main() -> None:
    """Start the head, and let the autoscaler do the rest."""
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    file = Path(sys.argv[1]) / "autoscaler.yaml"
    file.write_text(yaml.safe_dump(config_for(f"{ray.util.get_node_ip_address()}:{port}")), encoding="utf-8")
    head = {
        "num_cpus": 0,
        "include_dashboard": False,
        "gcs_server_port": port,
        "autoscaling_config": str(file),
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    print(cluster.address, flush=True)
    sys.stdin.read()
    started = psutil.Process().children(recursive=True)  # the workers would outlive the head
    cluster.shutdown()
    for process in started:
        with suppress(psutil.NoSuchProcess):
            process.kill()


if __name__ == "__main__":
    main()
