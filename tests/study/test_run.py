"""The command line: what the person sees, and bad input as one line with exit status 2."""

import re
import shutil
from pathlib import Path

import pytest

from study.run import main
from tests.conftest import write_jsonl

SPACE = ["--space", "lora_vs_qlora"]


def refused(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command line, which must refuse its input: one line, status 2, nothing written."""
    results = tmp_path / "results"
    assert main([*arguments, "--results", str(results)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not results.exists()
    return error


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "--space is needed; valid: chat_template, cot_prompting, "),
        (["--space", "lora_vs_qlorra"], "did you mean lora_vs_qlora"),
        ([*SPACE, "--profile", "papr"], "did you mean paper"),
        ([*SPACE, "--set", "rnk=3"], "did you mean rank"),
        ([*SPACE, "--set", "rank=0"], "greater than or equal to 1, received 0"),
        ([*SPACE, "--set", "learning_rate=two"], "learning_rate"),
        ([*SPACE, "--trials", "none"], "invalid int value"),
        ([*SPACE, "--trials", "0"], "at least 1"),
        ([*SPACE, "--spce"], "--spce"),
        ([*SPACE, "--code-data", "embedded"], "take no code data"),
        (
            [*SPACE, "--set", "method=lorra"],
            "'lora', 'qlora', 'full', 'stacked_lora'",
        ),
        (
            [*SPACE, "--set", "prompt_style=plane"],
            "unknown prompt_style of task math_word_problems 'plane': did you mean plain?",
        ),
        ([*SPACE, "--set", "quantization=fp4"], "'none', 'nf4' or 'int8'"),
        (["--space", "./nothing.py"], "there is no such file"),
        ([*SPACE, "--gpus-per-trial", "0.25"], "has no GPU"),
        ([*SPACE, "--cpus-per-trial", "4096"], "--cpus-per-trial must be 1 to"),
        ([*SPACE, "--model", "nowhere"], "no model 'nowhere': no such folder, and not a Hub name"),
        ([*SPACE, "--data", "nowhere"], "no data 'nowhere'"),
        ([*SPACE, "--model", "google-t5/t5-small"], "the Hub can't be reached"),
        ([*SPACE, "--data", "openai/gsm8k"], "the Hub can't be reached"),
        ([*SPACE, "--data", ""], "--data takes a name, received ''"),
        ([*SPACE, "--replicates", "9" * 20], "--replicates must be at most 1,000,000"),
        ([*SPACE, "--track", "foo", "--dry-run"], "unknown tracker 'foo'"),
        (["--rerun", "0123456789ab", "--set", "rank=3"], "--rerun runs a trial of --results as it was"),
        ([*SPACE, "--set", "method=[1]"], "received [1]"),
        ([*SPACE, "--max-disk", "20 litres"], "--max-disk must be a size, such as 500MB or 20GB"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in refused(arguments, tmp_path, capsys)


def test_bad_data_is_named_by_file_and_row(
    small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(small_data, tmp_path / "data")
    write_jsonl(data / "socratic" / "test.jsonl", [{"question": "q", "answer": "none"}])
    error = refused([*SPACE, "--data", str(data)], tmp_path, capsys)
    assert f"{data / 'socratic' / 'test.jsonl'}, row 1: the answer must be one number" in error
    shutil.rmtree(data / "socratic")
    assert "unknown variant" in refused([*SPACE, "--data", str(data)], tmp_path, capsys)


def test_a_folder_that_is_no_model_is_refused(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SPACE, "--model", str(tmp_path / "model")]
    model = shutil.copytree(tiny_model, tmp_path / "model")
    (model / "tokenizer.json").unlink()
    assert "has no tokenizer" in refused(arguments, tmp_path, capsys)
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "only a pickle (pytorch_model.bin)" in refused(arguments, tmp_path, capsys)
    (model / "config.json").unlink()
    assert "holds no model" in refused(arguments, tmp_path, capsys)


def test_a_model_whose_files_are_broken_is_refused(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = [*SPACE, "--model", str(tiny_model)]
    assert "target module of model 'tiny-t5' 'w'" in refused(
        [*source, "--set", "target_modules=q,w"], tmp_path, capsys
    )
    model = shutil.copytree(tiny_model, tmp_path / "model")
    (model / "config.json").write_text('{"model_type": "no such thing"}', encoding="utf-8")
    assert "can't be read" in refused([*SPACE, "--model", str(model)], tmp_path, capsys)
    shutil.copy(tiny_model / "config.json", model)
    (model / "model.safetensors").write_bytes(b"broken")
    assert "can't be read" in refused([*SPACE, "--model", str(model)], tmp_path, capsys)


def test_a_results_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([*SPACE, "--results", str(tmp_path / "file")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_a_disk_limit_below_what_the_study_ends_with_is_refused(
    tiny_model: Path, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ["--model", str(tiny_model), "--data", str(small_data)]
    error = refused([*SPACE, *source, "--max-disk", "1MB"], tmp_path, capsys)
    assert re.search(r"--max-disk must be at least [\d.]+ MB, .* received 1 MB", error)


def test_resuming_what_is_no_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--resume", str(tmp_path)]) == 2
    assert "is no results folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_papers_dry_run_shows_its_parameters_and_data_without_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    arguments = ["--profile", "paper", "--space", "paper", "--dry-run"]
    assert main([*arguments, "--results", str(tmp_path / "results")]) == 0
    output = capsys.readouterr().out
    assert "The Hub can't be reached: sizes are those on record" in output
    rows = [line.split() for line in output.splitlines() if "6973/500/1319" in line]
    assert [row[row.index("(2+1)") + 1] for row in rows] == [
        *("294,912", "294,912", "884,736", "884,736", "60,506,624", "60,506,624", "589,824"),
        *["294,912"] * 6,
    ]
    assert all(row[-1] == "GB" for row in rows)
    assert "Stacked LoRA's second phase: 156,526 rows of code." in output
    assert "1 at once" in output
    assert "of a GPU's time (its speed is assumed)" in output
    assert not (tmp_path / "results").exists()


def test_texts_over_their_limit_are_counted_before_anything_runs(
    tiny_model: Path, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SPACE, "--model", str(tiny_model), "--data", str(small_data), "--set", "variant=main"]
    arguments += ["--dry-run", "--results", str(tmp_path / "results")]
    limits = ["--set", "max_source_tokens=16", "--set", "max_target_tokens=200"]
    assert main([*arguments, *limits]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "120 inputs and 0 targets of 120 are over their limit" in said
    assert "lose their end, all but the last token; so do some in 2 of 2 arms" in said
    assert main([*arguments, "--set", "max_source_tokens=200", "--set", "max_target_tokens=200"]) == 0
    assert "no input and no target is over its limit" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"schema_version": 99, "request": {}}', "newer version of the project (its schema is 99"),
        ('{"schema_version": 1, "request": {"spice": 1}}', "written by another version"),
        ('{"schema_version": 1}', "written by another version"),
        ('{"schema_version": 1, "request": {"space": "lora_vs_qlora"}}', "begun under an earlier protocol"),
        ("[]", "holds no JSON object"),
        ('{"schema_version": 1, "request"', "no readable study.json"),
        ("", "no readable study.json"),
    ],
)
def test_resuming_what_this_version_cannot_read_is_refused(
    text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.json").write_text(text, encoding="utf-8")
    assert main(["--resume", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_list_names_every_space_with_its_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert "lora_vs_qlora    Does QLoRA lose accuracy against LoRA" in capsys.readouterr().out


def test_dry_run_shows_the_arms_and_writes_nothing(
    tiny_model: Path, small_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ["--model", str(tiny_model), "--data", str(small_data)]
    settings = ["--set", "rank=4", "--set", "target_modules=q,v", "--trials", "5"]
    assert main([*SPACE, *source, *settings, "--dry-run", "--results", str(tmp_path / "results")]) == 0
    output = capsys.readouterr().out
    row = next(line for line in output.splitlines() if line.startswith("lora main"))
    # 2 encoder layers, 2 decoder layers of two attentions; q and v; 64 to 64 at rank 4.
    assert row.split()[2:7] == ["5", "x", "(5+1)", f"{6 * 2 * 2 * 64 * 4:,}", "48/48/24"]
    assert "130 of 4 arms: 100 trainings to search, 20 to confirm, 10 baselines" in output
    for what in ("time      about ", "CPU-hours", "memory    about ", "disk      at most ", "will see  "):
        assert what in output
    assert max(map(len, output.splitlines()[1:])) <= 80
    assert "Nothing was run." in output
    assert "Searched within each arm: alpha, learning_rate" in output
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--looks", "2,4"], "--looks"),
        ([*SPACE, "--set", "rank=4"], "--space, --set"),
        (["--seed", "1"], "--seed"),
    ],
)
def test_what_a_resumed_study_is_of_cannot_be_changed(
    options: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.json").write_text("{}", encoding="utf-8")
    assert main(["--resume", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert error == f"error: --resume goes on with a study as it was started; leave out: {named}\n"
