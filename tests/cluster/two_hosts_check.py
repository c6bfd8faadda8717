"""What two_hosts_inside.sh asks of the cluster and of the results folder.

python -m tests.cluster.two_hosts_check wait-for-nodes N | in-mid-run RESULTS HOST | full-table RESULTS
"""

import sys
import time
from pathlib import Path

from study.results.folder import ResultsFolder

PATIENCE_SECONDS = 600  # two_hosts.sh sets the limit


def wait_for_nodes(wanted: int) -> int:
    """Wait until the cluster has as many nodes."""
    import ray

    ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (alive := sum(node["Alive"] for node in ray.nodes())) < wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    print(alive, "nodes")
    return 0 if alive == wanted else 1


def wait_for_mid_run(results: Path, host: str) -> int:
    """Wait for a trial on `host` that has taken two to five of its ten steps."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if find_mid_run(results, host):
            return 0
        time.sleep(0.1)
    print("no trial runs on", host, [log.read_text(encoding="utf-8") for log in results.glob("*/logs/*.log")])
    return 1


def find_mid_run(results: Path, where: str) -> Path | None:
    """Return the log of a trial that is in mid-run on a host or node; see tests.fake_trainer.in_steps."""
    for log in results.glob("*/logs/*.log"):
        step = log.parents[1] / "checkpoints" / log.stem / "step"
        lines = log.read_text(encoding="utf-8").splitlines()
        if (
            lines
            and where in lines[-1].split()
            and step.is_file()
            and "2" <= step.read_text(encoding="utf-8") <= "5"
        ):
            return log
    return None


def find_restarts(folder: ResultsFolder) -> list[list[str]]:
    """Return the lines that each trial that ran more than once has left, one a run."""
    logs = [
        folder.log_path(row["trial"]).read_text(encoding="utf-8").splitlines() for row in folder.read_trials()
    ]
    return [lines for lines in logs if len(lines) > 1]


def check_table(results: Path) -> int:
    """Check that every trial finished, and that the one that lost its host went on elsewhere."""
    (root,) = (path.parent for path in results.glob("*/study.json"))
    folder = ResultsFolder(root)
    rows = folder.read_trials()
    print(len(rows), "trials:", {row["status"] for row in rows})
    for lines in find_restarts(folder):
        print("one went on elsewhere:", *lines, sep="\n  ")
    complete = len(rows) == 22 and {row["status"] for row in rows} == {"complete"}
    restarted = any(int(lines[1].split()[2]) > 0 for lines in find_restarts(folder))
    return 0 if complete and restarted else 1


if __name__ == "__main__":
    asked, *arguments = sys.argv[1:]
    if asked == "wait-for-nodes":
        sys.exit(wait_for_nodes(int(arguments[0])))
    if asked == "in-mid-run":
        sys.exit(wait_for_mid_run(Path(arguments[0]), arguments[1]))
    sys.exit(check_table(Path(arguments[0])))
