"""A running study as others see it: its sockets, its token, Ray's dashboard, its metrics."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.engine import access_token
from study.errors import UserError

ROOT = Path(__file__).parents[3]
# What listens beyond loopback: nothing. An exception would stand here and, with its reason, in the docs.
LISTENS_ELSEWHERE: set[str] = set()


def test_a_token_is_made_once_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ray" / "token"
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    assert access_token.prepare_token() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token := path.read_text(encoding="utf-8")) == 64
    assert list(path.parent.iterdir()) == [path]
    assert access_token.prepare_token() is None
    assert path.read_text(encoding="utf-8") == token


def test_a_token_that_others_can_read_is_kept_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("theirs", encoding="utf-8")
    path.chmod(0o644)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    note = access_token.prepare_token()
    assert note is not None
    assert "(mode 0644)" in note
    assert path.read_text(encoding="utf-8") == "theirs"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_file_that_cannot_be_made_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "file" / "token"))
    with pytest.raises(UserError, match="name another file in RAY_AUTH_TOKEN_PATH"):
        access_token.prepare_token()


@dataclass(frozen=True)
class Study:
    """A study that runs in another process, with its dashboard."""

    process: subprocess.Popen[str]
    dashboard: str
    token: str

    def ask(self, path: str, *, token: bool = True) -> Any:
        """Return what the dashboard's API answers."""
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        request = urllib.request.Request(self.dashboard + path, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def study(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    folder = tmp_path_factory.mktemp("observed")
    script = folder / "run.py"
    script.write_text(
        "import sys, study.engine.tuning as tuning\n"
        "tuning.Job.__init__.__defaults__ = ('tests.fake_trainer:in_reported_steps',)\n"
        "from study.run import main\n"
        "sys.exit(main(sys.argv[1:]))\n",
        encoding="utf-8",
    )
    token = folder / "token"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "FAKE_STEP_SECONDS": "1",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_AUTH_MODE": "disabled",  # the study's own Ray asks for a token all the same
        "RAY_metrics_report_interval_ms": "1000",
    }
    options = ["--model", str(tiny_model), "--data", str(small_data), "--results", str(folder / "results")]
    process = subprocess.Popen(
        [sys.executable, str(script), "--space", "lora_vs_qlora", "--trials", "4", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # Whatever runs the tests in the background may have had Ctrl-C ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        dashboard = None
        for line in process.stdout:
            if match := re.match(r"Dashboard: (http://127\.0\.0\.1:\d+) \(.* (\S+)\)$", line):
                dashboard = match.group(1)
                assert match.group(2) == str(token)
            if line.startswith("["):  # the first trial has ended
                break
        assert dashboard is not None
        yield Study(process, dashboard, token.read_text(encoding="utf-8"))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)


def family(study: Study) -> list[psutil.Process]:
    """The driver and every process below it."""
    driver = psutil.Process(study.process.pid)
    return [driver, *driver.children(recursive=True)]


@pytest.mark.slow
def test_a_study_listens_on_loopback_alone(study: Study) -> None:
    listening, elsewhere = 0, set()
    for process in family(study):
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN:
                listening += 1
                address = ip_address(connection.laddr.ip)
                address = getattr(address, "ipv4_mapped", None) or address
                if not address.is_loopback:
                    elsewhere.add(f"{connection.laddr}: {' '.join(process.cmdline())[:200]}")
    assert listening >= 8  # the scheduler's, the agents' and the workers' own, and the dashboard's
    assert elsewhere == LISTENS_ELSEWHERE


@pytest.mark.slow
def test_without_the_token_the_dashboard_answers_nothing(study: Study) -> None:
    for path in ("/api/jobs/", "/api/v0/actors", "/logical/actors"):
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            study.ask(path, token=False)
        refused.value.close()


@pytest.mark.slow
def test_the_dashboard_shows_the_driver_as_a_job_with_its_space(study: Study) -> None:
    (job,) = study.ask("/api/jobs/")
    assert job["type"] == "DRIVER"
    assert job["status"] == "RUNNING"
    assert job["driver_info"]["pid"] == str(study.process.pid)
    assert job["metadata"] == {"space": "lora_vs_qlora", "profile": "embedded"}


@pytest.mark.slow
def test_workers_are_forked_from_one_process_of_the_study(study: Study) -> None:
    family = psutil.Process(study.process.pid).children(recursive=True)
    (server,) = [process for process in family if "study.forking.server" in process.cmdline()]
    workers = [process for process in family if process.name().startswith(("ray::lora", "ray::qlora"))]
    assert workers
    assert {worker.ppid() for worker in workers} == {server.pid}


@pytest.mark.slow
def test_a_worker_is_titled_by_the_arm_and_stage_that_it_runs(study: Study) -> None:
    def titles() -> set[str]:
        actors = study.ask("/logical/actors")["data"]["actors"].values()
        commands = [(actor.get("processStats") or {}).get("cmdline") or [""] for actor in actors]
        return {command[0].strip() for command in commands}

    seen: set[str] = set()
    deadline = time.monotonic() + 90
    expected = re.compile(r"ray::(q?lora (main|socratic)|.*), (search|confirm)$")
    while len({t for t in seen if expected.match(t)}) < 3 and time.monotonic() < deadline:
        seen |= titles()
        time.sleep(1)
    # More titles than workers: a worker is renamed with each trial.
    assert len({title for title in seen if expected.match(title)}) >= 3, seen


METRIC = re.compile(r"^ray_finetune_study_(?P<name>\w+)\{(?P<tags>[^}]*)\} (?P<value>\S+)", re.MULTILINE)


@pytest.mark.slow
def test_the_metrics_port_serves_the_study(study: Study) -> None:
    def metrics() -> dict[str, list[tuple[dict[str, str], float]]]:
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for port in ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                for match in METRIC.finditer(answer.read().decode()):
                    tags = dict(re.findall(r'(\w+)="([^"]*)"', match["tags"]))
                    found.setdefault(match["name"], []).append((tags, float(match["value"])))
        return found

    ports = metrics_ports(study)
    names = {"trials", "busy_slots", "slots", "tokens_per_second", "loss", "best_score"}
    deadline, found = time.monotonic() + 120, metrics()
    while time.monotonic() < deadline and not (
        names <= set(found) and any_positive(found["tokens_per_second"])
    ):
        time.sleep(1)
        found = metrics()
    assert names <= set(found)
    assert all(tags["study"].startswith("lora_vs_qlora-") for rows in found.values() for tags, _ in rows)
    ended = [(tags, value) for tags, value in found["trials"] if tags["status"] == "complete"]
    assert sum(value for _, value in ended) >= 1
    assert {tags["stage"] for tags, _ in ended} <= {"search", "confirm"}
    slots = found["slots"][0][1]
    assert 0 < sum(value for _, value in found["busy_slots"]) <= slots
    # 1,000 for each trial of the arm that is in training.
    assert any_positive(found["tokens_per_second"])
    assert {value % 1000 for _, value in found["tokens_per_second"]} == {0}
    assert all(0.5 < value <= 3 for _, value in found["loss"])
    assert all(0 <= value <= 100 for _, value in found["best_score"])
    assert {tags["arm"] for tags, _ in found["loss"]} <= {tags["arm"] for tags, _ in found["busy_slots"]}


def any_positive(rows: list[tuple[dict[str, str], float]]) -> bool:
    return any(value > 0 for _, value in rows)


def metrics_ports(study: Study) -> list[int]:
    """The port of the one process that serves Prometheus' text."""
    found = []
    for process in family(study):
        if "Agent" in " ".join(process.cmdline()):
            ports = [c.laddr.port for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            for port in ports:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                        if b"# TYPE ray_" in answer.read():
                            found.append(port)
                except (OSError, HTTPException):
                    continue
    assert found
    return found


def test_the_grafana_dashboard_asks_for_metrics_and_tags_that_exist() -> None:
    from study.engine.ray_metrics import METRICS

    dashboard = json.loads((ROOT / "docs" / "grafana.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [variable.get("definition", "") for variable in dashboard["templating"]["list"]]
    asked = {name for query in queries for name in re.findall(r"ray_(finetune_study_\w+)", query)}
    assert asked == set(METRICS)
    tags = {"study", *(tag for _, tags in METRICS.values() for tag in tags)}
    used = {
        tag for panel in dashboard["panels"] for t in panel["targets"] for tag in tags_of(t["legendFormat"])
    }
    used |= {
        tag for query in queries for group in re.findall(r"by \(([^)]*)\)", query) for tag in group.split(",")
    }
    assert used
    assert used <= tags


def tags_of(legend: str) -> list[str]:
    return re.findall(r"\{\{(\w+)\}\}", legend)
