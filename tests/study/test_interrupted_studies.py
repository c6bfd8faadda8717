"""Whole studies, with real Ray: told to stop, and on a machine where little is as it should be."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from study.results.folder import ResultsFolder

ROOT = Path(__file__).parents[2]
SMALL = ("--set", "variant=main", "--trials", "2", "--replicates", "1", "--confirm-seeds", "1")


def start(module: str, *arguments: str, ignored: Sequence[int] = (), **changes: str) -> subprocess.Popen[str]:
    """Start a command, with `ignored` signals, `changes` to the environment, in the working directory CWD."""

    def prepare() -> None:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, "-m", module, "--no-dashboard", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=changes.pop("CWD", None),
        env={**os.environ, "PYTHONPATH": str(ROOT), **changes},
        encoding="utf-8",
        preexec_fn=prepare,
    )


def wait_for_rows(parent: Path, rows: int, process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait until so many trials have finished; return the study's processes."""
    deadline = time.monotonic() + 200
    while len(list(parent.glob("*/trials/*.parquet"))) < rows and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_study_that_is_told_to_stop_goes_on_from_another_directory(
    number: signal.Signals, status: int, tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    began, elsewhere, scratch = (tmp_path / name for name in ("began", "elsewhere", "s"))
    for folder in (began, elsewhere, scratch):
        folder.mkdir()
    (began / "model").symlink_to(tiny_model)
    (began / "data").symlink_to(small_data)
    names = ("--space", "lora_vs_qlora", "--model", "./model", "--data", "data", "--results", "results")
    own = {"CWD": str(began), "TMPDIR": str(scratch), "RAY_TMPDIR": "/tmp", "FAKE_TRIAL_SECONDS": "1"}
    process = start("tests.fake_study", *names, *SMALL, ignored=[signal.SIGINT], **own)
    processes = wait_for_rows(began / "results", 3, process)
    process.send_signal(signal.SIGINT)  # ignored
    process.send_signal(number)
    output, error = process.communicate(timeout=120)
    assert process.returncode == status, output + error
    assert "Note: Ctrl-C is ignored here" in output
    assert f"what stops the study: kill {process.pid}" in output
    assert "Traceback" not in output + error
    (study,) = (began / "results").iterdir()
    assert f"Go on with: python -m study.run --resume {study}" in output
    kept = {path.stem for path in (study / "trials").glob("*.parquet")}
    assert 3 <= len(kept) < 11
    assert psutil.wait_procs(processes, timeout=20)[1] == []
    assert list(scratch.glob("finetune-study-*")) == []
    if number == signal.SIGHUP:
        return

    resumed = start("tests.fake_study", "--resume", str(study), CWD=str(elsewhere))
    output, error = resumed.communicate(timeout=200)
    assert resumed.returncode == 0, output + error
    assert kept < {row["trial"] for row in ResultsFolder(study).read_trials()}


@pytest.mark.slow
def test_a_study_on_a_machine_where_little_is_as_it_should_be(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    """In earnest: a launcher's variables would have a trial wait for peers that never come."""
    long = tmp_path / ("x" * 90)
    long.mkdir()
    odd = {
        **{"TMPDIR": str(long), "HOME": "/dev/null", "RAY_AUTH_TOKEN_PATH": ""},
        **{"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"},
        **{"PMI_SIZE": "2", "SLURM_NTASKS": "2", "ACCELERATE_USE_CPU": "0"},
        **{"PYTHONIOENCODING": "ascii", "FORCE_COLOR": "1", "PYTHONWARNINGS": "error"},
    }
    names = ("--space", "lora_vs_qlora", "--model", str(tiny_model), "--data", str(small_data))
    few = (*SMALL[:2], "--set", "max_steps=2", "--trials", "1", "--replicates", "1")
    process = start("study.run", *names, *few, "--results", str(tmp_path / "results"), **odd)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("Study lora_vs_qlora")
    process.stdout.close()  # as `| head -1` does
    with process.stderr as stream:
        error = stream.read()
    assert process.wait(300) == 0, error
    assert "standard output can't be written any more (Broken pipe): the study goes on without it" in error
    (study,) = (tmp_path / "results").iterdir()
    rows = ResultsFolder(study).read_trials()
    assert {row["status"] for row in rows} == {"complete"}
    assert (study / "report.html").is_file()
