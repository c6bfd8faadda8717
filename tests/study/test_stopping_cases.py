"""How a command ends that is told to stop, and with which status (docs/machines.md)."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from study.engine.raylet import ended_with_the_raylet
from study.machine import interruption
from study.results.new_folder import claim_folder
from tests.cases.machines import STOPPED, Stopped

ROOT = Path(__file__).parents[2]

COMMAND = """
import os, sys, time
from study.command_line import run_command
from study.machine.interruption import shielded

def command(arguments):
    try:
        print("ready", flush=True)
        for _ in range(15):
            time.sleep(0.05)
    finally:
        with shielded():
            print("tidies up", flush=True)
            time.sleep(0.5)
            print("is tidy", flush=True)
    return 7

sys.exit(run_command(command, []))
"""


@pytest.mark.parametrize("case", STOPPED, ids=lambda case: case.name)
def test_a_command_that_is_told_to_stop_tidies_up(case: Stopped) -> None:
    def start() -> None:
        for number in interruption.SIGNALS:
            signal.signal(number, signal.SIG_IGN if number in case.ignored else signal.SIG_DFL)

    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        encoding="utf-8",
        preexec_fn=start,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    for place, number in enumerate(case.sent):
        if place and not case.ignored:
            assert process.stdout.readline() == "tidies up\n"
        process.send_signal(number)
    rest = process.communicate(timeout=60)[0]
    assert rest.endswith("is tidy\n")
    assert process.returncode == (7 if case.status is None else case.status)


def test_a_signal_that_a_callback_swallowed_still_stops_the_study() -> None:
    with interruption.stoppable():
        interruption.check()
        with suppress(KeyboardInterrupt):  # as a library's callback does
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        assert interruption.exit_status() == 143


# Sleeps are short ones, for a signal that comes again cuts none short.
LOST = """
import sys, time
from study.command_line import run_command

class Loses:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(5)

def command(arguments):
    Loses()
    for _ in range(100):
        time.sleep(0.05)
    print("went on")
    return 0

sys.exit(run_command(command, []))
"""
IMPORTS = """
import sys, time
from study.command_line import run_command

def command(arguments):
    import slow
    for _ in range(100):
        time.sleep(0.05)
    print("went on")
    return 0

sys.exit(run_command(command, []))
"""
SLOW = """
import time
print("ready", flush=True)
for _ in range(8):
    time.sleep(0.05)
print("imported", flush=True)
"""


@pytest.mark.parametrize(("code", "rest"), [(LOST, ""), (IMPORTS, "imported\n")])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_a_destructor_is_not_lost_and_an_import_is_not_cut_short(
    code: str, rest: str, number: signal.Signals, status: int, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (rest, "stopped\n", status)


def test_no_folder_is_made_after_a_signal_that_a_library_kept_to_itself(tmp_path: Path) -> None:
    with interruption.stoppable():
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            claim_folder(tmp_path / "results", "lora_vs_qlora")
    assert list(tmp_path.iterdir()) == []


def test_where_ctrl_c_is_ignored_another_way_to_stop_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert (interruption.other_way_to_stop() or "").endswith(f"kill {os.getpid()}")
        with ended_with_the_raylet():
            os.kill(os.getpid(), signal.SIGINT)  # stays ignored
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert interruption.other_way_to_stop() is None
    signal.signal(signal.SIGINT, before)


def test_the_docs_name_every_exit_status() -> None:
    text = (ROOT / "docs" / "machines.md").read_text(encoding="utf-8")
    documented = {int(found) for found in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)}
    assert documented >= {0, 1, 2, *(case.status for case in STOPPED if case.status is not None)}
