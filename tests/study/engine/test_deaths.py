"""A worker that dies: its trial goes on, as often as what befell it allows, and the study with it."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.engine import trial_events
from study.engine.trial_actor import titled_by_trial
from study.engine.worker import Job
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from tests.conftest import RAYS_OWN_WARNINGS
from tests.study.engine.fake_runs import Done, Log, run

pytestmark = RAYS_OWN_WARNINGS


@pytest.mark.parametrize(
    ("lost_node", "started", "error", "reason"),
    [
        (False, True, "The actor died unexpectedly", trial_events.PROCESS_DIED),
        (False, True, "killed due to the node running low on memory", trial_events.OUT_OF_MEMORY),
        (False, False, "killed due to the node running low on memory", trial_events.NEVER_STARTED),
        (False, True, "The actor 12ab is unavailable: Connection reset", trial_events.NODE_LOST),
        (True, True, "The actor died unexpectedly", trial_events.NODE_LOST),
    ],
)
def test_what_befell_a_worker_decides_how_often_its_trial_is_tried_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lost_node: bool,
    started: bool,
    error: str,
    reason: str,
) -> None:
    monkeypatch.setattr(trial_events, "last_error", lambda trial: error)
    monkeypatch.setattr("ray.nodes", lambda: [{"NodeID": "its", "Alive": not lost_node}])
    trial: Any = SimpleNamespace(trial_id="abc")
    nothing: Any = None
    watcher = trial_events.TrialEvents(nothing, Job({}, tmp_path, {}), [])
    if started:
        watcher.on_trial_start(0, [], trial)
        watcher.on_trial_result(0, [], trial, {"node": "its"})
    assert watcher._why(trial) == reason
    assert reason in trial_events.RESTARTS


def test_a_worker_that_cannot_take_the_next_trial_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = titled_by_trial(lambda config: None)
    monkeypatch.setattr(slot.__mro__[1], "reset_config", lambda self, config: False)
    with pytest.raises(RuntimeError, match="does not end"):
        slot.__new__(slot).reset_config({})


@pytest.mark.slow
def test_a_trial_whose_process_dies_is_taken_up_by_another(plan: Plan, done: Done, tmp_path: Path) -> None:
    log = Log()
    rows = run(plan, tmp_path, log, "tests.fake_trainer:that_is_killed_once")
    assert {t: (row["status"], row["accuracy"]) for t, row in rows.items()} == {
        t: (row["status"], row["accuracy"]) for t, row in done.rows.items()
    }
    assert list((tmp_path / "checkpoints").iterdir()) == []
    for _, trial in [event for event in log.events if event[0] == "interrupted"]:
        assert [what for what, other in log.events if other == trial and what != "progressed"] == [
            *("started", "interrupted", "started", "finished")
        ]
    assert any(what == "interrupted" for what, _ in log.events)


@pytest.mark.slow
def test_a_trial_that_exhausts_the_host_goes_on_with_halved_batches(plan: Plan, tmp_path: Path) -> None:
    import psutil

    memory = psutil.virtual_memory()
    allowed = (memory.total - memory.available + 3e9) / memory.total
    if allowed > 0.95:
        pytest.skip("less than 3 GB of memory is free")
    script = tmp_path / "run.py"
    script.write_text(
        "import pickle, sys\n"
        "from pathlib import Path\n"
        "from study.engine.local_ray import LocalRay\n"
        "from tests.study.engine.fake_runs import Log, SLOTS, run\n"
        "plan = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "with LocalRay(SLOTS):\n"
        "    run(plan, Path(sys.argv[2]), Log(), 'tests.fake_trainer:that_eats_memory')\n",
        encoding="utf-8",
    )
    (tmp_path / "plan").write_bytes(pickle.dumps(plan))
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "RAY_memory_usage_threshold": f"{allowed:.4f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    command = [sys.executable, str(script), str(tmp_path / "plan"), str(tmp_path / "study")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    rows = ResultsFolder(tmp_path / "study").read_trials()
    assert len(rows) == plan.trials
    assert {row["status"] for row in rows} == {"complete"}
    halved = {(row["arm"], row["stage"]) for row in rows if row["source_accumulation"] == 2}
    assert ("qlora main", "confirm") in halved
    assert len(halved) <= 2  # Ray may kill the trial beside it too
