"""What the commands say of a study: on one line."""

from pathlib import Path

import pytest

from analysis import tables
from analysis.command_line import run_command
from study.run import main


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def analysed(study: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit status of the table's command on a study, and what it printed, on one line."""
    try:
        run_command(lambda _: tables._main([str(study), "--format", "markdown"]))
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, printed(capsys).replace("\\", "")


def resumed(study: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line in which the study's command refuses to go on."""
    assert main(["--resume", str(study)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error
