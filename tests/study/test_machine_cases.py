"""The tables in tests/cases/machines.py, and what they say of in docs/machines.md."""

import errno
import gc
import io
import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from analysis import output
from analysis.command_line import open_console
from study import command_line, workplace
from study.engine import access_token
from study.engine.raylet import ended_with_the_raylet
from study.engine.readiness import check_machine
from study.engine.worker import load_trainer
from study.errors import UserError
from study.machine import durable, interruption, scratch
from study.machine.cgroup import group_cpus, group_memory
from study.machine.launchers import describe, leave_launcher
from study.results.new_folder import claim_folder
from study.run import main
from tests.cases.machines import (
    CONTAINERS,
    ENCODED,
    FSYNC,
    LAUNCHED,
    STOPPED,
    TEMPORARY_FOLDERS,
    Container,
    Launched,
    Stopped,
    TemporaryFolder,
)

ROOT = Path(__file__).parents[2]
named = {"ids": lambda case: case.name}


@pytest.mark.parametrize("case", CONTAINERS, **named)
def test_a_container_has_what_its_groups_leave(case: Container, tmp_path: Path) -> None:
    case.make(tmp_path)
    assert group_cpus(tmp_path) == case.cpus
    assert group_memory(tmp_path) == case.memory_bytes


@pytest.mark.parametrize(("quota", "cpus"), [(None, 4), (1.5, 1), (0.25, 1), (3.0, 3), (64.0, 4)])
def test_the_cpus_are_those_of_the_affinity_and_of_the_quota(
    quota: float | None, cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    monkeypatch.setattr(workplace, "group_cpus", lambda: quota)
    assert workplace.available_cpus() == cpus


@pytest.mark.parametrize("case", LAUNCHED, **named)
def test_a_trial_is_not_one_of_a_launchers_processes(case: Launched) -> None:
    environment = dict(case.environment, HOME="/home/me")
    taken = leave_launcher(environment)
    assert set(environment) == {"HOME", *case.stays}
    assert taken == sorted(set(case.environment) - set(case.stays))


def test_what_was_left_aside_is_said() -> None:
    assert describe(["A", "B", "C", "D", "E"]).startswith("a launcher has set A, B, C, D and 1 more; ")


@pytest.mark.parametrize("case", TEMPORARY_FOLDERS, **named)
def test_sockets_have_a_folder(case: TemporaryFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "RAY_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value)
    note = scratch.check_sockets()
    with scratch.socket_folder() as folder:
        if case.says is None:
            assert (note, folder) == (None, None)
            return
        assert case.says in (note or "")
        assert folder is not None
        assert len(os.fsencode(folder)) <= scratch.MOST_BYTES
    assert not folder.exists()


def test_where_no_folder_is_short_enough_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("x" * 60)))
    monkeypatch.setenv("FINETUNE_STUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(scratch, "_SHORT", ("/no/such/folder",))
    with pytest.raises(UserError, match="name a short folder in RAY_TMPDIR"):
        check_machine(local=True)  # what study.run asks before it writes anything
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value"), [("FINETUNE_STUDY_CACHE", "/dev/null/x"), ("HOME", "/dev/null")]
)
def test_a_cache_that_cannot_be_written_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FINETUNE_STUDY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=r"the cache '/dev/null/.*' can't be written: .*FINETUNE_STUDY_CACHE"):
        check_machine(local=True)


def test_a_user_without_a_home_is_asked_for_a_cache_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*arguments: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("FINETUNE_STUDY_CACHE", "XDG_CACHE_HOME", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "")
    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.setattr(Path, "expanduser", nowhere)
    with pytest.raises(UserError, match="FINETUNE_STUDY_CACHE"):
        workplace.default_cache()
    assert access_token.prepare_token() is None
    path = access_token.token_path()
    assert path is not None
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0


def test_a_token_of_a_home_that_cannot_be_written_is_this_process_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "")
    monkeypatch.setenv("HOME", "/dev/null")
    assert access_token.prepare_token() is None
    assert os.environ["RAY_AUTH_TOKEN_PATH"].endswith("auth_token")


@pytest.mark.parametrize(("encoding", "text", "written"), ENCODED)
def test_output_is_written_in_any_encoding(
    encoding: str, text: str, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding=encoding))
    with output.steady_output():
        print(text, end="")
    assert content.getvalue() == written


class Broken(io.StringIO):
    """A stream that can't be written."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(("number", "status"), [(errno.EPIPE, 0), (errno.ENOSPC, 1), (errno.EIO, 1)])
def test_output_that_cannot_be_written_is_an_error_unless_nobody_reads_it(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(number))
    assert main(["--list"]) == status
    said = capsys.readouterr().err
    assert said == (f"standard output can't be written: {os.strerror(number)}\n" if status else "")


def test_a_study_outlives_its_output_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def study(arguments: object) -> int:
        command_line.outlive_output("it goes on")
        print("a line")
        print("another")
        return 0

    monkeypatch.setattr(sys, "stdout", Broken(errno.EPIPE))
    assert command_line.run_command(study, []) == 0
    assert capsys.readouterr().err == "standard output can't be written any more (Broken pipe): it goes on\n"


@pytest.mark.parametrize(
    ("variable", "terminal", "live"), [("FORCE_COLOR", False, False), ("TERM", True, False)]
)
def test_a_live_table_is_for_terminals_that_can_show_it(
    variable: str, terminal: bool, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert command_line.open_console().is_interactive == terminal
    monkeypatch.setenv(variable, "dumb" if variable == "TERM" else "1")
    assert command_line.open_console().is_interactive == live


@pytest.mark.parametrize(("number", "fault"), FSYNC)
def test_a_file_system_that_knows_no_fsync_is_none_at_fault(
    number: int, fault: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    (tmp_path / "new").write_text("x", encoding="utf-8")
    if fault:
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            durable.replace(tmp_path / "new", tmp_path / "old")
    else:
        durable.replace(tmp_path / "new", tmp_path / "old")
        assert (tmp_path / "old").is_file()


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


@pytest.mark.parametrize("case", STOPPED, **named)
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


LOST = """
import sys, time
from study.command_line import run_command

class Loses:
    def __del__(self):
        print("ready", flush=True)
        time.sleep(5)

def command(arguments):
    Loses()
    time.sleep(5)
    print("went on")
    return 0

sys.exit(run_command(command, []))
"""
IMPORTS = """
import sys, time
from study.command_line import run_command

def command(arguments):
    import slow
    time.sleep(5)
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


@pytest.mark.parametrize(
    ("columns", "stays"),
    [("0", False), ("1", False), ("39", False), ("9" * 5000, False), ("40", True), ("200", True)],
)
def test_a_width_that_no_table_fits_in_is_none(
    columns: str, stays: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["--list"]) == 0
    assert "lora_vs_qlora" in capsys.readouterr().out
    with output.steady_output():
        assert os.environ.get("COLUMNS") == (columns if stays else None)
        assert command_line.open_console().width == (int(columns) if stays else 80)
        assert open_console().width == (int(columns) if stays else 100)


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


def test_a_worker_that_a_launcher_has_started_leaves_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    load_trainer.__wrapped__("json:loads")
    assert not {"WORLD_SIZE", "SLURM_NTASKS"} & set(os.environ)


@pytest.mark.parametrize(
    ("limit", "says"), [(-1, None), (64e9, None), (6e9, "of addresses here (ulimit -v); a trial")]
)
def test_a_limit_of_addresses_is_named(
    limit: float, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (int(limit), -1))
    notes = " ".join(check_machine(local=True))
    assert says in notes if says else "ulimit" not in notes


def test_with_fewer_addresses_than_ray_reserves_a_study_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2_600_000_000, -1))
    with pytest.raises(UserError, match="start the study under ulimit -v unlimited"):
        check_machine(local=True)


def test_workers_start_as_plain_python_does_under_uv_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "1")
    assert main(["--list"]) == 0
    assert os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"
