"""Scratch folders go with their process; what a killed one left goes with the next start, nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from study.machine import scratch as module
from study.machine.scratch import make_scratch, remove_scratch, scratch, sweep

PREFIX = "finetune-study-test"
MAKE = (
    "import sys; from pathlib import Path; from study.machine.scratch import make_scratch\n"
    f"folder = make_scratch({PREFIX!r}, Path(sys.argv[1])); (folder / 'file').write_bytes(b'x')\n"
    "print(folder, flush=True); sys.stdin.read()"
)


@pytest.fixture(autouse=True)
def _a_new_process() -> None:
    sweep.cache_clear()


def maker(parent: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def killed_folder(parent: Path) -> Path:
    """A folder as a process that was killed leaves it."""
    with maker(parent) as process:
        folder = folder_of(process)
        process.send_signal(signal.SIGKILL)
    assert (folder / "file").exists()
    return folder


def test_it_is_the_users_own_and_goes_with_its_block(tmp_path: Path) -> None:
    with scratch(PREFIX, tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_the_next_start_sweeps_what_a_killed_process_left_and_no_live_ones(tmp_path: Path) -> None:
    left = killed_folder(tmp_path)
    own = make_scratch(PREFIX, tmp_path)
    assert not left.exists()
    with maker(tmp_path) as process:
        live = folder_of(process)
        left = killed_folder(tmp_path)
        sweep.cache_clear()
        sweep(tmp_path)
        assert {*tmp_path.iterdir()} == {own, live}
        process.send_signal(signal.SIGKILL)
    remove_scratch(own)
    sweep.cache_clear()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_another_kernel_or_nobody_has_locked_stays(tmp_path: Path) -> None:
    """On a TMPDIR that machines share, another's lock need not be seen; a name that is nearly ours is not."""
    boot = module._boot()
    another = "0" * 8 if boot != "0" * 8 else "1" * 8
    names = [
        f"{PREFIX}-{another}-0123abcd",
        f"{PREFIX}-unknown-0123abcd",
        f"study-{boot}",
        f"my-{boot}-0123abcd",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"{PREFIX}-{boot}-0123abcd").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}-{boot}-0123abce").write_bytes(b"a file")
    before = {*tmp_path.iterdir()}
    (tmp_path / f"{PREFIX}-{boot}-0123abcf").mkdir()  # nobody holds it
    sweep(tmp_path)
    assert {*tmp_path.iterdir()} == before


def test_another_users_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = killed_folder(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    sweep(tmp_path)
    assert left.exists()


def test_where_there_are_no_locks_nothing_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    with monkeypatch.context() as patch:
        patch.setattr(module.fcntl, "flock", no_locks)
        folder = make_scratch(PREFIX, tmp_path)
    os.close(module._held.pop(folder)[1])  # as if killed
    sweep.cache_clear()
    sweep(tmp_path)
    assert folder.exists()


def test_a_folder_for_sockets_is_swept_too(tmp_path: Path) -> None:
    with scratch("study", tmp_path) as folder:
        assert len(folder.name) < 24
        os.close(module._held.pop(folder)[1])
        sweep.cache_clear()
        sweep(tmp_path)
        assert not folder.exists()


def test_a_process_forked_from_its_maker_leaves_a_folder_alone(tmp_path: Path) -> None:
    code = (
        "import os, sys; from study.machine.scratch import make_scratch, remove_scratch\n"
        "folder = make_scratch('finetune-study-tests', sys.argv[1])\n"
        "if child := os.fork():\n"
        "    os.waitpid(child, 0)\n"
        "    assert folder.is_dir()\n"
        "remove_scratch(folder)\n"
        "sys.exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert list(tmp_path.iterdir()) == []
