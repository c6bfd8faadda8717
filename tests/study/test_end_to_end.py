"""The main job as a user runs it: a process, both stages, the table; and what it leaves behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from analysis.comparison.comparing import compare_finished
from analysis.reading.folders import open_studies
from study import embedded
from study.results.folder import ResultsFolder

ROOT = Path(__file__).parents[2]
SHORT = ["--trials", "1", "--replicates", "2", "--set", "max_steps=12", "--set", "test_questions=20"]
SHORT += ["--set", "validation_questions=20"]


def command(tmp_path: Path, *arguments: str) -> list[str]:
    main = [sys.executable, "-m", "study.run"]
    if "--resume" in arguments:
        return [*main, *arguments]
    return [*main, "--space", "lora_vs_qlora", "--results", str(tmp_path), *arguments]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "FINETUNE_STUDY_CACHE": str(tmp_path / "cache")}


def kill_half_way(tmp_path: Path, trials: int) -> ResultsFolder:
    """Start a study, kill its driver once so many trials have finished, and return its folder."""
    with (tmp_path.parent / "killed.log").open("w", encoding="utf-8") as log:
        driver = subprocess.Popen(
            command(tmp_path, *SHORT), cwd=ROOT, stdout=log, stderr=log, env=environment(tmp_path)
        )
        deadline = time.monotonic() + 600
        while len(list(tmp_path.glob("*/trials/*.parquet"))) < trials and time.monotonic() < deadline:
            assert driver.poll() is None, "the study ended by itself"
            time.sleep(0.1)
        driver.kill()
        driver.wait()
    (study,) = (path.parent for path in tmp_path.glob("*/study.json"))
    return ResultsFolder(study)


def run(tmp_path: Path, *arguments: str) -> tuple[str, ResultsFolder]:
    """Run a study as a user does and return what was printed and its folder."""
    done = subprocess.run(
        command(tmp_path, *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=900,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (study,) = (path.parent for path in tmp_path.glob("*/study.json"))
    return done.stdout, ResultsFolder(study)


def by_trial(folder: ResultsFolder) -> dict[str, dict[str, Any]]:
    return {row["trial"]: row for row in folder.read_trials()}


def scores(folder: ResultsFolder) -> dict[str, dict[str, Any]]:
    """Every arm's row of the table: its scores with their intervals, but not its costs, which are clocks."""
    costs = ("seconds", "bytes")
    return {
        row.name: {name: value for name, value in row.estimates.items() if not name.endswith(costs)}
        for row in compare_finished(open_studies([folder.root])).rows
    }


@pytest.mark.slow
def test_the_embedded_study_runs_to_its_table_and_killed_half_way_and_resumed_to_the_same(
    tmp_path: Path,
) -> None:
    import pyarrow.parquet as pq

    output, folder = run(tmp_path / "1", *SHORT)
    assert output.startswith("Study lora_vs_qlora (embedded): ")
    assert "26 of 4 arms: 8 trainings to search, 8 to confirm, 10 baselines" in " ".join(output.split())
    assert "% of the time" in output
    assert "run_on_worker" not in output  # nothing of Tune's own
    for arm in ("lora main", "qlora socratic", "zero-shot main"):
        assert arm in output
    description = json.loads(folder.description_path.read_text(encoding="utf-8"))
    assert description["finished_at"]
    rows = by_trial(folder)
    assert len(rows) == 26
    assert {row["status"] for row in rows.values()} == {"complete"}
    assert {path.name for path in (folder.root / "models").iterdir()} == {
        "lora-main",
        "lora-socratic",
        "qlora-main",
        "qlora-socratic",
    }
    assert folder.optuna_path.is_file()

    killed = kill_half_way(tmp_path / "2", trials=11)
    kept = {trial: row["started_at"] for trial, row in by_trial(killed).items()}
    assert 11 <= len(kept) < 26
    _, again = run(tmp_path / "2", "--resume", str(killed.root))
    assert scores(again) == scores(folder)
    assert kept.items() <= {trial: row["started_at"] for trial, row in by_trial(again).items()}.items()
    for trial in rows:
        texts = [
            pq.read_table(f.table_path("predictions", trial), columns=["text", "nll"])
            for f in (folder, again)
        ]
        assert texts[0].equals(texts[1]), trial


@pytest.mark.slow
def test_gsm8k_rows_run_to_their_table(tmp_path: Path) -> None:
    data = ROOT.parent / "shared" / "data" / "gsm8k"
    if not data.is_dir():
        pytest.skip(f"no GSM8K at {data}")
    short = [*SHORT, "--set", "max_steps=3", "--set", "test_questions=16", "--set", "validation_questions=16"]
    output, folder = run(tmp_path, "--data", str(data), *short, "--set", "max_target_tokens=64")
    assert "lora main" in output
    rows = by_trial(folder)
    assert {row["status"] for row in rows.values()} == {"complete"}
    assert {row["questions"] for row in rows.values()} == {16}
    assert sum(row["truncated_targets"] for row in rows.values()) > 0


@pytest.mark.slow
def test_a_model_of_t5_smalls_size_in_the_hubs_layout_runs_to_its_table(tmp_path: Path) -> None:
    import shutil

    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    model = tmp_path / "t5-small-sized"
    torch.manual_seed(0)
    T5ForConditionalGeneration(T5Config(vocab_size=32128, decoder_start_token_id=0)).save_pretrained(model)
    for path in embedded.MODEL_DIR.glob("tokenizer*"):
        shutil.copy(path, model)
    short = ["--trials", "1", "--replicates", "1", "--set", "max_steps=2", "--set", "batch_size=4"]
    limits = ["--set", "test_questions=8", "--set", "validation_questions=8", "--set", "max_target_tokens=16"]
    fixed = ["--set", "rank=8", "--set", "target_modules=q,v", "--set", "variant=main"]
    _, folder = run(tmp_path / "results", "--model", str(model), *short, *limits, *fixed)
    trained = [row for row in folder.read_trials() if row["method"] in ("lora", "qlora")]
    assert {row["status"] for row in trained} == {"complete"}
    assert {row["trainable_parameters"] for row in trained} == {294_912}
    assert {row["total_parameters"] for row in trained} == {60_506_624 + 294_912}
