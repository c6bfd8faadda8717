"""The command that shows the searches."""

import subprocess
import sys

from tests.analysis.simulated import write_study


def test_command_prints_the_search(tmp_path):
    write_study(tmp_path, questions=20, search_trials=4)
    command = [sys.executable, "-m", "analysis.searches", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "what the searches chose" in done.stdout
    assert "cost by arm" in done.stdout


def test_study_without_a_search_is_one_line(tmp_path):
    write_study(tmp_path, questions=5)
    command = [sys.executable, "-m", "analysis.searches", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: no search trial")
