"""The study's command line with a fake trainer, in a process of its own: as a user calls it."""

import os
import subprocess
import sys
from pathlib import Path

from study.results.folder import ResultsFolder

ROOT = Path(__file__).parents[2]


class CommandLine:
    """The study's command line with a fake trainer, in a process of its own."""

    def __init__(self, tiny_model: Path, small_data: Path, results: Path):
        self.results = results
        self._start = ["--space", "lora_vs_qlora", "--model", str(tiny_model), "--data", str(small_data)]
        self._start += ["--set", "variant=main", "--results", str(results)]

    @property
    def folder(self) -> ResultsFolder:
        (study,) = (path.parent for path in self.results.glob("*/study.json"))
        return ResultsFolder(study)

    def start(self, trainer: str, *options: str) -> subprocess.Popen[str]:
        return self._call(trainer, *self._start, *options)

    def resume(self, trainer: str, *options: str) -> subprocess.Popen[str]:
        return self._call(trainer, "--resume", str(self.folder), *options)

    def _call(self, trainer: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fake_study", "--no-dashboard", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "FAKE_TRAINER": trainer},
            encoding="utf-8",
        )


def output_of(process: subprocess.Popen[str], status: int = 0) -> str:
    output = process.communicate(timeout=300)[0]
    assert process.returncode == status, output
    assert "Traceback" not in output, output
    return output
