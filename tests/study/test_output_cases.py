"""What is printed where a terminal, a pipe or a disk is not as one expects (docs/machines.md)."""

import errno
import io
import os
import sys

import pytest

from analysis import output
from analysis.command_line import open_console
from study import command_line
from study.run import main
from tests.cases.machines import ENCODED


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
