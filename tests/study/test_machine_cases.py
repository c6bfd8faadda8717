"""The tables in tests/cases/machines.py, and what they say of in docs/machines.md: what a machine has."""

import gc
import os
import re
import resource
from pathlib import Path

import pytest

from study import workplace
from study.engine import access_token
from study.engine.readiness import check_machine
from study.engine.worker import load_trainer
from study.errors import UserError
from study.machine import durable, scratch
from study.machine.cgroup import group_cpus, group_memory
from study.machine.launchers import describe, leave_launcher
from study.run import main
from tests.cases.machines import (
    CONTAINERS,
    FSYNC,
    LAUNCHED,
    TEMPORARY_FOLDERS,
    Container,
    Launched,
    TemporaryFolder,
)

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
