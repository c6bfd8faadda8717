"""The command that prints the table, or writes it."""

import pytest

from tests.analysis.opened import run_command
from tests.analysis.simulated import STUDY_ARMS, write_study


def test_command_prints_and_writes(tmp_path):
    write_study(tmp_path / "one", STUDY_ARMS)
    assert "lora main" in run_command("tables", tmp_path / "one").stdout
    done = run_command("tables", tmp_path / "one", "-o", tmp_path / "table.md")
    assert done.returncode == 0
    assert (tmp_path / "table.md").read_text(encoding="utf-8").startswith("| arm | seeds |")


@pytest.mark.parametrize(
    "arguments",
    [["missing"], [], ["{study}", "--format", "pdf"], ["{study}", "-o", "table.doc"], ["{empty}"]],
)
def test_bad_input_is_one_line_and_exit_status_2(tmp_path, arguments):
    write_study(tmp_path / "one", questions=5)
    write_study(tmp_path / "empty", [], questions=5)
    places = {"study": tmp_path / "one", "empty": tmp_path / "empty"}
    done = run_command("tables", *(argument.format(**places) for argument in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
