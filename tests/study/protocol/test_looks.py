"""Planned looks, by the command line: a settled study ends early, and a resumed one takes the same looks."""

import json
from pathlib import Path

import pytest

from study.run import main
from tests.study.command_line import CommandLine, output_of


@pytest.mark.slow
def test_a_study_that_is_settled_ends_at_its_look_and_says_what_that_saved(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    study = CommandLine(tiny_model, small_data, tmp_path)
    output = output_of(study.start("with_qlora_behind", "--looks", "3,6"))
    assert "Look after 3 of 6 replicates: 1 of 1 planned differences are decided." in output
    assert "Nothing planned is open any more." in output
    assert "The looks saved 18 of 41 trials." in output
    rows = study.folder.read_trials()
    assert {row["replicate"] for row in rows} == {None, 0, 1, 2}
    description = json.loads(study.folder.description_path.read_text(encoding="utf-8"))
    (look,) = description["looks_taken"]
    assert (look["replicates"], look["settled"]) == (3, True)
    assert description["looks"]["replicates"] == [3, 6]

    # A trial is lost, and the study goes on: the same look, with the same outcome, and no more trials.
    lost = next(row for row in rows if row["trained_by"])
    study.folder.forget_trial(lost["trial"])
    assert "The looks saved 18 of 41 trials." in output_of(study.resume("with_qlora_behind"))
    assert study.folder.trial_ids() == [row["trial"] for row in rows]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--looks", "3,six"], "looks must be numbers of replicates with commas (3,6,12), received '3,six'"),
        (["--looks", "1,6"], "the first look must be after 2 replicates or more"),
        (["--looks", "6,3"], "looks must increase"),
        (["--looks", "3,6", "--replicates", "5"], "goes with --replicates 6, received --replicates 5"),
        (["--looks", "3,6", "--resume", "x"], "leave out: --looks"),
    ],
)
def test_looks_that_cannot_be_are_refused_in_a_line(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    space = [] if "--resume" in options else ["--space", "lora_vs_qlora"]
    assert main([*space, *options]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
