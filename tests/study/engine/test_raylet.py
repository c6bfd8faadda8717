"""A raylet that dies ends the study at once, and Ctrl-C beside one that lives is Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.engine.raylet import ended_with_the_raylet
from study.errors import RayLost


@pytest.fixture
def raylet(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that goes by a raylet's name."""
    name = shutil.copy(shutil.which("sleep") or "sleep", tmp_path / "raylet")
    with subprocess.Popen([name, "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """A process that hears Ctrl-C: whoever runs the tests in the background may have had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_ctrl_c() -> Iterator[None]:
    """A process that was started to ignore Ctrl-C, as in a script's background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def kill_and_wait(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    time.sleep(30)


def interrupt_and_wait() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)


@pytest.mark.parametrize("hearing", ["ctrl_c", "no_ctrl_c"])
def test_a_dead_raylet_ends_the_study_within_a_second(
    hearing: str, raylet: subprocess.Popen[bytes], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(hearing)
    started = time.monotonic()
    with pytest.raises(RayLost, match="the raylet"), ended_with_the_raylet():
        kill_and_wait(raylet)
    assert time.monotonic() - started < 20


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stays_ctrl_c_beside_a_raylet_that_lives(raylet: subprocess.Popen[bytes]) -> None:
    with pytest.raises(KeyboardInterrupt), ended_with_the_raylet():
        interrupt_and_wait()
