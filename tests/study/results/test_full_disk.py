"""A whole study on a disk that fills up, as a user runs it; the temporary files of Ray lie on it, too."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from study.results.disk import checkpoint_bytes, folder_bytes, tokenizer_bytes
from study.results.folder import ResultsFolder
from tests.small_disk import SmallDisk, small_disk

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 240.0
SHORT = ["--set", "variant=main", "--trials", "2", "--replicates", "1", "--confirm-seeds", "1"]
TRIALS = 11


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    # A short path: Ray's sockets lie below it, and have 107 characters.
    parent = Path(tempfile.mkdtemp(prefix="study-", dir="/tmp"))
    try:
        with small_disk(parent / "disk", megabytes=400) as disk:
            yield disk
    finally:
        shutil.rmtree(parent, ignore_errors=True)


class Study:
    """A study of the fake trainer in a process of its own, its output in a file off the small disk."""

    def __init__(self, tmp_path: Path, disk: SmallDisk, arguments: list[str]):
        self._output = tmp_path / f"output-{time.monotonic_ns()}"
        there = {"TMPDIR": str(disk.path), "RAY_TMPDIR": str(disk.path), "FAKE_TRIAL_SECONDS": "1"}
        with self._output.open("w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fake_study", "--no-dashboard", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **there},
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def wait_for(self, words: str, times: int = 1) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.output.count(words) < times:
            assert self._process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.2)

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        return self._process.wait(PATIENCE_SECONDS)


@pytest.mark.slow
def test_a_disk_that_fills_up_pauses_ctrl_c_works_and_a_resume_goes_on(
    tiny_model: Path, small_data: Path, tmp_path: Path, disk: SmallDisk
) -> None:
    source = ["--model", str(tiny_model), "--data", str(small_data), *SHORT]
    results = disk.path / "results"
    study = Study(tmp_path, disk, ["--space", "lora_vs_qlora", *source, "--results", str(results)])
    study.wait_for("/11] ", times=3)
    disk.fill()
    study.wait_for("Paused, nothing is lost: ")
    study.interrupt()
    assert study.end() == 130, study.output
    assert "Go on with: python -m study.run --resume" in study.output
    disk.free()
    (root,) = results.iterdir()
    kept = {row["trial"] for row in ResultsFolder(root).read_trials()}
    assert 3 <= len(kept) < TRIALS

    study = Study(tmp_path, disk, ["--resume", str(root)])
    study.wait_for("/11] ", times=3)
    disk.fill()
    study.wait_for("Paused, nothing is lost: ")
    time.sleep(5)
    disk.free()
    study.wait_for("Going on: there is room again.")
    assert study.end() == 0, study.output
    assert "Traceback" not in study.output
    rows = ResultsFolder(root).read_trials()
    assert {row["status"] for row in rows} == {"complete"}
    assert len(rows) == TRIALS
    assert kept <= {row["trial"] for row in rows}


@pytest.mark.slow
def test_a_disk_without_room_is_refused_before_anything_is_written(
    tiny_model: Path, small_data: Path, tmp_path: Path, disk: SmallDisk
) -> None:
    disk.fill(leave=50_000_000)
    results = disk.path / "results"
    source = ["--model", str(tiny_model), "--data", str(small_data)]
    study = Study(tmp_path, disk, ["--space", "lora_vs_qlora", *source, "--results", str(results)])
    assert study.end() == 2, study.output
    error = study.output.splitlines()[-1]
    assert error.startswith("error: the study needs ")
    assert f"MB are free in '{results}" in error
    assert not results.exists()


@dataclass
class Sampled:
    """What was seen of a study's folder while it ran.

    Attributes:
        output: what the study printed.
        most_bytes: the most that its folder took up.
        most_of_a_trial: the most that the checkpoints of one trial did.
    """

    output: str = ""
    most_bytes: int = 0
    most_of_a_trial: int = 0


def run_and_sample(results: Path, arguments: list[str]) -> Sampled:
    """Run a study that saves a checkpoint at every step, and look at its folder all the while."""
    trainer = {**os.environ, "FAKE_TRAINER": "in_earnest_with_a_checkpoint_at_every_step"}
    command = [
        sys.executable,
        "-m",
        "tests.fake_study",
        "--no-dashboard",
        "--results",
        str(results),
        *arguments,
    ]
    seen, log = Sampled(), results.with_suffix(".log")
    with log.open("w", encoding="utf-8") as output:
        study = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env=trainer)
        while study.poll() is None:
            seen.most_bytes = max(seen.most_bytes, folder_bytes(results))
            trials = [folder_bytes(path) for path in results.glob("*/checkpoints/*")]
            seen.most_of_a_trial = max([seen.most_of_a_trial, *trials])
            time.sleep(0.005)
    seen.output = log.read_text(encoding="utf-8")
    return seen


@pytest.mark.slow
def test_the_results_folder_keeps_to_its_limit(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    """The limit leaves each of two slots room for one checkpoint, where a trial would have two at a time."""
    study = ["--space", "full_vs_lora", "--model", str(tiny_model), "--data", str(small_data), *SHORT]
    study += ["--set", "max_steps=25", "--set", "test_questions=8", "--set", "validation_questions=8"]
    refused = run_and_sample(tmp_path / "refused", [*study, "--max-disk", "1kB"])
    (least,) = re.findall(r"--max-disk must be at least ([\d.]+) MB", refused.output)
    parameters = (tiny_model / "model.safetensors").stat().st_size // 4
    weights_and_moments = 12 * parameters
    share = 1.5 * checkpoint_bytes(parameters, tokenizer_bytes(tiny_model))
    limit = 1e6 * float(least) + 2 * share
    seen = run_and_sample(tmp_path / "limited", [*study, "--max-disk", f"{limit:.0f}B"])
    assert f"{TRIALS} trials in" in seen.output
    assert weights_and_moments < seen.most_of_a_trial <= share
    assert seen.most_bytes <= limit
