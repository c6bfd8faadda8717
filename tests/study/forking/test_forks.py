"""A process that others are forked from: what they find, what they give back, and how all of them end."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from study.errors import UserError
from study.forking.forks import Forks, Pending, forking
from study.starting.runtime import _MODULES

ROOT = Path(__file__).parents[3]
# Of the standard library, imported by no test: what the forked find imported.
MODULE = "this"


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with forking([MODULE]) as forks:
        yield forks


def call(forks: Forks, function: Any, *arguments: Any) -> Any:
    with begin(forks, function, *arguments) as pending:
        return pending.result()


def begin(forks: Forks, function: Any, *arguments: Any) -> Pending[Any]:
    pending = forks.begin(function, *arguments)
    assert pending is not None
    return pending


def describe() -> tuple[int, bool, str, int]:
    return os.getpid(), MODULE in sys.modules, os.getcwd(), os.getppid()


def refuse(number: int) -> NoReturn:
    raise UserError(f"at most 3, received {number}")


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_long(mark: str) -> None:
    Path(mark).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(600)


def run(forks: Forks, script: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*shlex.split(forks.python), str(script), *arguments]
    return subprocess.run(command, text=True, capture_output=True, timeout=60, **options)


def wait_for(path: Path) -> int:
    """Wait for a file, and return the number of a process that it holds."""
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text(encoding="ascii")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text(encoding="ascii"))


def wait_for_end(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(30)


def test_a_call_runs_in_a_process_of_its_own_that_has_the_modules(
    forks: Forks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert MODULE not in sys.modules
    monkeypatch.chdir(tmp_path)
    one, another = call(forks, describe), call(forks, describe)
    assert len({one[0], another[0], os.getpid()}) == 3
    assert one[1:] == another[1:] == (True, str(tmp_path), one[3])


def test_what_a_call_raises_is_raised_with_the_place_where_it_was(forks: Forks) -> None:
    with pytest.raises(UserError, match="at most 3, received 7") as raised:
        call(forks, refuse, 7)
    assert "in refuse" in raised.value.__notes__[0]


def test_a_call_that_is_killed_is_one_line(forks: Forks) -> None:
    with pytest.raises(UserError, match=r"ended with status -9 and without a result; .* for want of memory"):
        call(forks, kill_itself)
    assert call(forks, os.getpid)  # the others go on


def test_calls_that_die_as_they_are_given_up_leave_the_server_alive(forks: Forks) -> None:
    for _ in range(50):
        with begin(forks, kill_itself):
            pass
    assert call(forks, os.getpid)


def test_a_call_that_is_given_up_is_killed(forks: Forks, tmp_path: Path) -> None:
    with begin(forks, sleep_long, str(tmp_path / "mark")):
        pid = wait_for(tmp_path / "mark")
    wait_for_end(pid)
    assert not psutil.pid_exists(pid)


def test_a_script_runs_as_python_would_run_it(forks: Forks, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys\n"
        f"here = [os.environ['OWN'], os.getcwd(), {MODULE!r} in sys.modules, os.nice(0)]\n"
        "print(json.dumps([sys.argv, sys.path[0], __name__, sys.stdin.read(), *here]))\n"
        "print('said aside', file=sys.stderr)\n"
        "sys.exit(7)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "OWN": "value"}
    ended = run(
        forks,
        script,
        "one",
        "--two=3",
        input="read",
        cwd=tmp_path,
        env=environment,
        preexec_fn=lambda: os.nice(3),
    )
    niceness = os.nice(0) + 3
    assert json.loads(ended.stdout) == [
        [str(script), "one", "--two=3"],
        *[str(tmp_path), "__main__", "read", "value", str(tmp_path), True, niceness],
    ]
    assert (ended.stderr, ended.returncode) == ("said aside\n", 7)


def test_a_script_that_fails_or_is_killed_ends_its_launcher_alike(forks: Forks, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal, sys\nos.kill(os.getpid(), int(sys.argv[1]))\n1 / 0\n", encoding="utf-8"
    )
    assert run(forks, script, str(int(signal.SIGKILL))).returncode == 128 + signal.SIGKILL
    failed = run(forks, script, "0")
    assert failed.returncode == 1
    assert failed.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_launcher_that_is_killed_takes_its_script_along(forks: Forks, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, time\nopen(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(600)\n",
        encoding="utf-8",
    )
    launcher = subprocess.Popen([*shlex.split(forks.python), str(script), str(tmp_path / "mark")])
    pid = wait_for(tmp_path / "mark")
    assert pid != launcher.pid
    launcher.kill()
    launcher.wait()
    wait_for_end(pid)
    assert not psutil.pid_exists(pid)


def test_where_nobody_forks_a_script_has_a_python_of_its_own(tmp_path: Path) -> None:
    with forking([MODULE]) as gone:
        call(gone, os.getpid)
    assert gone.begin(os.getpid) is None
    script = tmp_path / "script.py"
    script.write_text(f"import sys; print({MODULE!r} in sys.modules)\nsys.exit(3)\n", encoding="utf-8")
    ended = run(gone, script)
    assert (ended.stdout, ended.returncode) == ("False\n", 3)


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "from study.forking.forks import forking\n"
        "with forking([]) as forks, forks.begin(os.getppid) as pending:\n"
        "    print(pending.result(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    assert starter.stdout is not None
    server = int(starter.stdout.readline())
    starter.kill()
    starter.communicate()
    wait_for_end(server)
    assert not psutil.pid_exists(server)


def look_at_server() -> tuple[set[str], bool]:
    """The names of the server's threads beside its main one, and whether CUDA runs in what it forks."""
    import torch

    tasks = Path(f"/proc/{os.getppid()}/task").iterdir()
    names = {(task / "comm").read_text().strip() for task in tasks if task.name != str(os.getppid())}
    return names, torch.cuda.is_initialized()


@pytest.mark.slow
def test_the_libraries_start_no_thread_that_a_fork_would_lose_and_leave_cuda_alone() -> None:
    with forking(_MODULES) as forks:
        # Of Arrow's allocator, which knows of forks.
        assert call(forks, look_at_server) == ({"jemalloc_bg_thd"}, False)
