"""A Ray cluster: what is refused before anything is written, and a study that loses a node."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from study import embedded
from study.engine import autoscaler, cluster
from study.engine.slots import Machine
from study.results.folder import ResultsFolder
from study.run import main
from study.sources.finding import Source, find_model
from study.workplace import Workplace
from tests.cluster.two_hosts_check import find_mid_run, find_restarts

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("somewhere", "must be 'auto' or HOST:PORT, received 'somewhere'"),
        ("ray://head:10001", "the study runs on a node of the cluster"),
        ("http://127.0.0.1:8265", "must be 'auto' or HOST:PORT"),
        ("127.0.0.1:1", "no Ray cluster answers at"),
        ("no-such-host.invalid:6379", "no Ray cluster answers at"),
    ],
)
def test_an_address_where_no_cluster_is_is_refused(
    address: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    results = tmp_path / "results"
    assert main(["--space", "lora_vs_qlora", "--address", address, "--results", str(results)]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not results.exists()


def test_a_port_that_does_not_speak_as_a_cluster_is_refused_in_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with socket.socket() as mute:
        mute.bind(("", 0))
        mute.listen()
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        assert main(["--space", "lora_vs_qlora", "--address", address]) == 2
    assert f"--address {address}: no Ray cluster answers" in capsys.readouterr().err


def test_a_node_says_what_a_trial_would_lack_on_it(workplace: Workplace, tmp_path: Path) -> None:
    token = tmp_path / "token"
    assert f"does not see '{tmp_path}'" in str(cluster.find_lack(str(token), [workplace], {}))
    token.touch()
    assert cluster.find_lack(str(token), [workplace], {}) is None
    elsewhere = replace(workplace, model=Source("my-model", tmp_path / "models" / "my-model"))
    other = {str(workplace.model.path): {"model.safetensors": 1}}
    assert "holds other files there" in str(cluster.find_lack(str(token), [workplace], other))
    assert "my-model' is not on" in str(cluster.find_lack(str(token), [elsewhere], {}))


def test_what_ships_with_the_project_is_found_where_the_project_is_installed(workplace: Workplace) -> None:
    there = Path("/opt/elsewhere/study/embedded")
    travelled = replace(
        workplace,
        model=replace(find_model("embedded"), path=there / "model"),
        data=Source("embedded", there / "data"),
        code_data=Source("embedded", there / "data" / "code"),
    )
    here = travelled.on_this_machine()
    assert here.model.path == embedded.MODEL_DIR
    assert here.data.path == embedded.DATA_DIR
    assert here.code_data is not None
    assert here.code_data.path == embedded.DATA_DIR / "code"


@dataclass(frozen=True)
class RunningCluster:
    """A Ray cluster on this machine.

    Attributes:
        process: its process, which stops it when its standard input ends.
        said: the words of its first line.
        environment: what a process needs that is to run a study there.
    """

    process: subprocess.Popen[str]
    said: list[str]
    environment: dict[str, str]


@contextmanager
def running_cluster(folder: Path, module: str, *arguments: str) -> Iterator[RunningCluster]:
    """Run a module of tests.cluster, which starts a cluster, for the length of the block."""
    token = folder / "token"
    token.write_text("0123456789abcdef" * 2, encoding="utf-8")
    token.chmod(0o600)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_raylet_start_wait_time_s": "120",
        "FAKE_TRIAL_SECONDS": "3",
        "FAKE_TRAINER": "in_steps",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.cluster.{module}", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield RunningCluster(process, process.stdout.readline().split(), environment)
    finally:
        process.stdin.close()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.stdout.close()


@dataclass(frozen=True)
class TwoNodes:
    """A cluster of two nodes: three CPUs, of which the second has one."""

    address: str
    second: str
    cluster: RunningCluster

    def kill_second(self) -> None:
        """Kill the second node's raylet, and with it its workers."""
        process = self.cluster.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("kill\n")
        process.stdin.flush()
        assert process.stdout.readline() == "killed\n"


@pytest.fixture
def two_nodes(tmp_path: Path) -> Iterator[TwoNodes]:
    with running_cluster(tmp_path, "two_nodes") as running:
        yield TwoNodes(*running.said, running)


@pytest.mark.slow
def test_a_study_that_loses_a_node_comes_to_its_full_table(
    two_nodes: TwoNodes, tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    source = ["--model", str(tiny_model), "--data", str(small_data), "--trials", "2", "--replicates", "1"]
    command = [sys.executable, "-m", "tests.fake_study", "--space", "lora_vs_qlora"]
    command += ["--address", two_nodes.address, *source, "--results", str(tmp_path / "results")]

    too_big = subprocess.run(
        [*command, "--cpus-per-trial", "3"],
        capture_output=True,
        text=True,
        env=two_nodes.cluster.environment,
        encoding="utf-8",
    )
    assert too_big.returncode == 2, too_big.stdout + too_big.stderr
    assert "--cpus-per-trial must be 1 to 2 on this cluster's nodes, received 3" in too_big.stderr
    assert not (tmp_path / "results").exists()

    study = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=two_nodes.cluster.environment,
        encoding="utf-8",
    )
    deadline = time.monotonic() + 240
    while find_mid_run(tmp_path / "results", two_nodes.second) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    two_nodes.kill_second()
    output = study.communicate(timeout=300)[0]
    assert study.returncode == 0, output
    assert "3 at once" in " ".join(output.split())
    assert output.count("its node died; it goes on from its last checkpoint") == 1
    (root,) = (path.parent for path in tmp_path.glob("results/*/study.json"))
    folder = ResultsFolder(root)
    rows = folder.read_trials()
    assert len(rows) == len({row["trial"] for row in rows}) == 22
    assert {row["status"] for row in rows} == {"complete"}
    # The trial that was on the lost node went on elsewhere, and not from its start.
    ((first, second),) = find_restarts(folder)
    assert first.startswith("from step 0 on ")
    assert first.split()[-1] == two_nodes.second
    assert second.split()[-1] != two_nodes.second
    assert int(second.split()[2]) > 0
    assert not list(tmp_path.glob("results/.shared-*"))
    assert not list(tmp_path.glob(".shared-*"))


def test_what_an_autoscaler_may_start_counts_as_machines() -> None:
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    assert autoscaler._machines_in(config) == [Machine(0, 0), *[Machine(8, 1)] * 8]
    config["max_workers"] = 3
    config["available_node_types"]["cpu_worker"] = {"resources": {"CPU": 64}}
    assert autoscaler._machines_in(config) == [Machine(0, 0), *[Machine(8, 1)] * 3]


@pytest.mark.slow
def test_a_study_on_a_cluster_without_workers_makes_it_grow(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    with running_cluster(tmp_path, "growing_cluster", str(tmp_path)) as growing:
        command = [sys.executable, "-m", "tests.fake_study", "--space", "lora_vs_qlora"]
        command += ["--address", *growing.said]
        command += ["--model", str(tiny_model), "--data", str(small_data), "--set", "variant=main"]
        command += ["--trials", "1", "--replicates", "1", "--results", str(tmp_path / "results")]
        done = subprocess.run(
            command, capture_output=True, text=True, env=growing.environment, timeout=300, encoding="utf-8"
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 at once" in " ".join(done.stdout.split())
    (root,) = (path.parent for path in tmp_path.glob("results/*/study.json"))
    rows = ResultsFolder(root).read_trials()
    assert {row["status"] for row in rows} == {"complete"}
    assert len(rows) == 9
