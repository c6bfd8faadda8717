"""Extending a finished study: more replicates of all arms or of some, more seeds of one search."""

import json
from pathlib import Path
from typing import Any

import pytest

from study.run import main
from tests.study.command_line import CommandLine, output_of

pytestmark = pytest.mark.slow


def run(study: CommandLine, *options: str) -> list[str]:
    output_of(study.start("run_trial", *options))
    return study.folder.trial_ids()


def description(study: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(study.folder.description_path.read_text(encoding="utf-8"))
    return found


def test_an_extended_study_has_the_trials_of_one_that_was_as_long_from_the_start(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    short = CommandLine(tiny_model, small_data, tmp_path / "short")
    long = CommandLine(tiny_model, small_data, tmp_path / "long")
    before = run(short, "--replicates", "2")
    times = {t: short.folder.table_path("trials", t).stat().st_mtime_ns for t in before}
    output = output_of(short.resume("run_trial", "--replicates", "3"))
    assert "Extending lora_vs_qlora-" in output
    assert short.folder.trial_ids() == run(long, "--replicates", "3")
    assert times == {t: short.folder.table_path("trials", t).stat().st_mtime_ns for t in before}
    (extension,) = description(short)["extensions"]
    assert (extension["replicates_before"], extension["replicates"]) == (2, 3)
    assert extension["trials_before"] == len(before)
    assert "was extended from 2 to 3 replicates after its results could be seen" in " ".join(output.split())
    assert description(short)["arguments"][-2:] == ["--replicates", "3"]
    assert {arm["replicates"] for arm in description(short)["arms"]} == {1, 3}  # 1: the baselines
    # And on with it, as with any other study.
    assert "Going on with" in output_of(short.resume("run_trial"))
    assert short.folder.trial_ids() == long.folder.trial_ids()


def test_some_arms_alone_are_extended(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    study = CommandLine(tiny_model, small_data, tmp_path)
    run(study, "--replicates", "2")
    output_of(study.resume("run_trial", "--replicates", "4", "--arms", "qlora"))
    rows = [row for row in study.folder.read_trials() if row["trained_by"]]
    assert sorted((row["arm"], row["replicate"]) for row in rows) == [
        *(("lora", replicate) for replicate in range(2)),
        *(("qlora", replicate) for replicate in range(4)),
    ]


def test_a_study_of_one_search_gets_more_seeds_and_nothing_else(
    tiny_model: Path, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = CommandLine(tiny_model, small_data, tmp_path)
    before = run(study, "--replicates", "1", "--confirm-seeds", "2")
    results = ["--resume", str(study.folder)]
    for options, reason in (
        (["--confirm-seeds", "2"], "is no extension: the study has 2 already"),
        (["--replicates", "3"], "one search with several seeds: --confirm-seeds gives it more"),
    ):
        assert main([*results, *options]) == 2
        assert reason in capsys.readouterr().err
    output_of(study.resume("run_trial", "--confirm-seeds", "3"))
    added = set(study.folder.trial_ids()) - set(before)
    rows = [row for row in study.folder.read_trials() if row["trial"] in added]
    assert sorted((row["arm"], row["stage"]) for row in rows) == [("lora", "confirm"), ("qlora", "confirm")]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--trials", "3"], "more trials a search would be another protocol"),
        (["--replicates", "2"], "--replicates 2 is no extension: arm 'lora' has 2 already; --arms names"),
        (["--replicates", "3", "--arms", "lorra"], "unknown arm 'lorra': did you mean lora"),
        (["--arms", "lora"], "--arms goes with --replicates N"),
        (["--arms", ",", "--replicates", "3"], "--arms names arms, with commas between them, received ','"),
        (["--replicates", "3", "--confirm-seeds", "2"], "--replicates or --confirm-seeds, not both"),
        (["--confirm-seeds", "2"], "--confirm-seeds extends all arms of a study of one search"),
    ],
)
def test_what_is_no_extension_is_refused_and_changes_nothing(
    options: list[str], reason: str, finished: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = finished.folder.description_path.read_bytes()
    assert main(["--resume", str(finished.folder), *options]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert finished.folder.description_path.read_bytes() == before


@pytest.fixture(scope="module")
def finished(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    study = CommandLine(tiny_model, small_data, tmp_path_factory.mktemp("finished"))
    run(study, "--replicates", "2")
    return study
