"""optuna.db as optuna-dashboard shows it."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from study.plan.binding import bind
from study.plan.making import make_plan
from study.plan.request import Request
from study.search.assignment import Assignment
from study.search.optuna_record import OptunaRecord

STATUSES = ("complete", "failed", "pruned")


@pytest.mark.skipif(
    importlib.util.find_spec("optuna_dashboard") is None, reason="optuna-dashboard is not installed"
)
@pytest.mark.slow
def test_optuna_dashboard_shows_each_arms_trials(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    request = Request(
        "lora_vs_qlora", model=str(tiny_model), data=str(small_data), trials=3, replicates=1, confirm_seeds=1
    )
    plan = bind(make_plan(request))
    record = OptunaRecord(tmp_path / "optuna.db")
    for arm in plan.compared:
        for number, status in enumerate(STATUSES):
            values = {n: getattr(dist, "low", None) or dist.choices[0] for n, dist in arm.ranges.items()}
            config = arm.search_config(values, 0)
            row = {"trial": f"{arm.slug}-{number}", "status": status, "search_score": 40.0 + number}
            record.finished(Assignment(arm, 0, config, number), row)

    assert sorted(study["study_name"] for study, _ in shown(tmp_path / "optuna.db")) == sorted(
        f"{arm.label}, replicate 1" for arm in plan.compared
    )
    for _, trials in shown(tmp_path / "optuna.db"):
        assert [trial["state"] for trial in trials] == ["Complete", "Fail", "Pruned"]


def shown(database: Path) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every study that optuna-dashboard shows, with its trials."""
    command = Path(sys.executable).with_name("optuna-dashboard")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [command, f"sqlite:///{database}", "--host", "127.0.0.1", "--port", port, "--server", "wsgiref"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        assert any(f"http://127.0.0.1:{port}/" in line for line in process.stdout)
        address = f"http://127.0.0.1:{port}/api/studies"
        studies = ask(address)["study_summaries"]
        return [(s, ask(f"{address}/{s['study_id']}?after=0")["trials"]) for s in studies]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def ask(address: str) -> Any:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.URLError:  # the line that it listens comes a moment too early
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
