"""Two Ray nodes on one machine, for a test: prints their address and the second one's id.

    python -m tests.cluster.two_nodes     # a line on standard input kills the second; its end stops both

In a process of its own, because Ray reads its settings once in a process.
"""

import sys

from ray.cluster_utils import Cluster

# A lost node is noticed within two seconds, not half a minute.
IMPATIENT = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}


def main() -> None:
    """Start both nodes; two CPUs on the first, so that the study can go on there, and one on the second."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 2, "include_dashboard": False, "_system_config": IMPATIENT},
    )
    second = cluster.add_node(num_cpus=1)
    print(cluster.address, second.node_id, flush=True)
    if sys.stdin.readline():
        cluster.remove_node(second, allow_graceful=False)
        print("killed", flush=True)
        sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main()
