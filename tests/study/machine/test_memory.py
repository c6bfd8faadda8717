"""A worker takes one trial after another, for a weekend: its memory must not grow with them."""

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from study.config import TrialConfig
from study.results.folder import ResultsFolder
from study.trial.record import record_trial
from study.trial.trial import run_trial
from study.workplace import Workplace

WARM_UP, TRIALS = 12, 100
CHANGES = (
    {"method": "lora"},
    {"method": "qlora"},
    {"method": "full", "learning_rate": 1e-3},
    {"method": "stacked_lora", "second_max_steps": 1},
)


@pytest.mark.slow
def test_a_hundred_trials_in_one_process_leave_its_memory_as_it_was(
    config_for: Callable[..., TrialConfig], workplace: Workplace, tmp_path: Path
) -> None:
    folder = ResultsFolder(tmp_path / "study")
    folder.create()

    def run(number: int) -> None:
        # In a thread of its own, as Tune does it: glibc gives each another arena.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(run_here, number).result()

    def run_here(number: int) -> None:
        short = {"stage": "search", "seed": number, "max_steps": 2}
        config = config_for(**CHANGES[number % len(CHANGES)], **short)
        row = record_trial(run_trial, config, workplace, folder, on_progress=lambda progress: None)
        assert row["status"] == "complete", row["reason"]

    for number in range(WARM_UP):
        run(number)
    before = resident_bytes()
    for number in range(WARM_UP, WARM_UP + TRIALS):
        run(number)
    after = resident_bytes()
    print(f"{before / 2**20:.0f} MiB, after {TRIALS} more trials {after / 2**20:.0f} MiB")
    assert after < 1.1 * before


def resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)
