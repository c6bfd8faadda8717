"""The command that writes the report."""

import subprocess
import sys

import pytest

from analysis.report import write_report
from tests.analysis.page.pages import ARMS
from tests.analysis.simulated import write_study


def test_report_is_written_into_the_results_folder(tmp_path):
    write_study(tmp_path, ARMS)
    assert write_report(tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_command_writes_the_file_or_says_in_one_line_why_not(tmp_path):
    write_study(tmp_path / "one", ARMS)
    command = [sys.executable, "-m", "analysis.report", str(tmp_path / "one"), "-o"]
    done = subprocess.run(
        [*command, str(tmp_path / "r.html")], capture_output=True, text=True, timeout=120, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    wrong = subprocess.run(
        [*command, str(tmp_path / "no" / "r.html")],
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1
