"""What the person reads of their data: said once before the first trial, or refused in one line."""

import os
from pathlib import Path

import pytest

from study.data.loading import load_data
from study.data.missing_programs import check_programs
from study.errors import UserError
from study.printable import printable
from study.run import main
from study.sources.finding import find_data
from tests.conftest import write_jsonl

PLAIN = ["--space", "lora_vs_qlora", "--set", "variant=main"]
SHORT = ["--set", "target_modules=q,v", "--set", "rank=4", "--trials", "2", "--replicates", "2"]


def rows(count: int, start: int = 0) -> list[dict]:
    return [{"question": f"What is {i} apples?", "answer": i} for i in range(start, start + count)]


def dry_run(model: Path, data: Path, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Return what a dry run says."""
    arguments = [*PLAIN, *SHORT, "--model", str(model), "--data", str(data), "--dry-run", *options]
    assert main([*arguments, "--results", str(folder / "results")]) == 0
    return capsys.readouterr().out


def refused(data: Path, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Return the one line with which data are refused."""
    assert main([*PLAIN, "--data", str(data), *options, "--results", str(folder / "results")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (folder / "results").exists()
    return error


def test_how_data_were_read_is_said_once_before_the_first_trial(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "own"
    data.mkdir()
    head = "Question;Answer\n"
    lines = [f"Où est {i}?;{i}\n" for i in range(30)]
    (data / "train.csv").write_text("".join([head, *lines, "Où est 99?;no idea\n"]), encoding="latin-1")
    (data / "validation.csv").write_text(
        head + "".join(f"Valid {i}?;{i}\n" for i in range(12)), encoding="utf-8"
    )
    (data / "test.csv").write_text("".join([head, *lines[:3], "Où est le 4?;4\n"]), encoding="latin-1")
    limits = ["--set", "validation_questions=5", "--set", "test_questions=2", "--skip-bad-rows"]
    output = dry_run(tiny_model, data, tmp_path, capsys, *limits)
    for note in (
        "main data: train train.csv, validation validation.csv, test test.csv",
        "train.csv is not UTF-8 and is read as Windows-1252 (Latin-1)",
        "test.csv is not UTF-8 and is read as Windows-1252 (Latin-1)",
        "questions are in the column 'Question', answers in 'Answer'",
        "1 row of the main data can't be used and is left out",
        "leaks: 3 of the 4 test questions of the main data are in train too; 3 rows there are left out",
        "the main data has a validation split of its own, 12 questions: each replicate draws 5",
        "the main data: 2 of 4 test questions are drawn, the same for all",
    ):
        assert output.count(f"Note: {note}") == 1, note
    row = next(line for line in output.splitlines() if line.startswith("lora "))
    assert "27/5/2" in row.split()


def test_leaks_are_trained_on_where_the_user_says_so(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(tmp_path / "own" / "train.jsonl", rows(20))
    write_jsonl(tmp_path / "own" / "test.jsonl", rows(4))
    limits = ["--set", "validation_questions=5", "--keep-leaks"]
    output = dry_run(tiny_model, tmp_path / "own", tmp_path, capsys, *limits)
    assert "leaks" not in output
    assert "15/5/4" in output


def test_programs_need_annotations_and_that_is_said_before_the_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_jsonl(tmp_path / "mine.jsonl", rows(40))
    error = refused(data, tmp_path, capsys, "--set", "prompt_style=python_code")
    assert "python_code needs worked answers with calculator annotations (<<48/2=24>>)" in error
    assert "the main data has none in 32 training questions (32 no annotations); valid: another" in error


def test_programs_that_a_replicate_validates_on_alone_are_too_few(tmp_path: Path) -> None:
    programmed = {"question": "How many?", "answer": "<<1+1=2>>2\n#### 2"}
    write_jsonl(tmp_path / "own" / "train.jsonl", [*rows(9), programmed])
    write_jsonl(tmp_path / "own" / "test.jsonl", rows(3, start=50))
    data = load_data(tmp_path / "own", "main")
    seeds = range(20)
    refusals = []
    for seed in seeds:
        try:
            check_programs(data, "main", [(5, seed)])
        except UserError as error:
            refusals.append(str(error))
    assert 0 < len(refusals) < len(seeds)  # half of the questions validate
    assert (
        "1 of 10 main training questions have a program, and a replicate validates on all of those"
        in refusals[0]
    )


def test_the_smallest_data_that_works_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_jsonl(tmp_path / "mine.jsonl", rows(2))
    said = "needs at least 3 (1 to train on, 1 to validate, 1 to test), found 2 distinct questions"
    assert said in refused(data, tmp_path, capsys)


def test_three_rows_are_enough(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = dry_run(tiny_model, write_jsonl(tmp_path / "mine.jsonl", rows(3)), tmp_path, capsys)
    assert "1/1/1" in output


def test_a_terminal_gets_no_control_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = {"question\x1b[2J": "a", "\u202eanswer": "1", "line\nend": "2"}
    data = write_jsonl(tmp_path / "mine\n\x1b[31m.jsonl", [hostile])
    error = refused(data, tmp_path, capsys)
    assert "mine \\x1b[31m.jsonl" in error
    assert "columns there: question\\x1b[2J, \\u202eanswer, line end;" in error
    assert error.strip().isprintable()


def test_a_name_that_is_no_utf8_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jsonl"
    write_jsonl(tmp_path / "mine.jsonl", rows(9)).rename(os.fsdecode(path))
    error = refused(Path(os.fsdecode(path)), tmp_path, capsys)
    assert "caf\\udce9.jsonl" in error
    assert "is no UTF-8; valid: another name" in error


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\r", "\x7f", "\x9b", "\ud800", "\u202e", "\u2066", "\u2028"])
def test_what_a_terminal_obeys_is_escaped(sign: str) -> None:
    assert printable(f"a{sign}b") == f"a{ascii(sign)[1:-1]}b"
    printable(f"a{sign}b").encode("ascii")


def test_other_text_is_left_as_it_is() -> None:
    assert printable("Où est 世界?\n\tשלום 🍎") == "Où est 世界?\n\tשלום 🍎"


def test_a_link_is_read_by_its_own_name(tmp_path: Path) -> None:
    """As the Hub's cache has them: the target has no suffix, and may lie anywhere."""
    write_jsonl(tmp_path / "blobs" / "0a1b2c", rows(9))
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "mine.jsonl").symlink_to("../blobs/0a1b2c")
    source = find_data(str(tmp_path / "snapshot" / "mine.jsonl"))
    assert (source.name, source.path.parent.name) == ("mine.jsonl", "snapshot")
    assert len(load_data(source.path, "main").train.problems) == 7


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FINETUNE_STUDY_CACHE", str(tmp_path / "file" / "cache"))
    error = refused(write_jsonl(tmp_path / "mine.jsonl", rows(9)), tmp_path, capsys)
    assert "can't be written: " in error
    assert "name a folder that can in FINETUNE_STUDY_CACHE" in error
