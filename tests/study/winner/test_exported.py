"""The winner in the user's hands: kept, exported, and read without this project."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from study import ask as ask_module
from study.errors import UserError
from study.export import export
from study.export import main as export_main
from study.results.folder import ResultsFolder
from study.sources.finding import Source
from study.trial.record import record_trial
from study.trial.trial import TRAINING_COLUMNS, run_trial
from study.winner.card import METRICS
from study.winner.card_code import QUESTION, loading_example
from study.winner.keeping import load_kept, load_merged, saver
from study.workplace import Workplace
from tests.cases.zoo import TYPES, build
from tests.study.winner.trained import Maker, logits, printed_by, study_of


@pytest.mark.parametrize("method", ["lora", "full", pytest.param("stacked_lora", marks=pytest.mark.slow)])
@pytest.mark.parametrize("merged", [False, True])
def test_an_exported_model_answers_as_the_trained_one(
    config_for: Maker, workplace: Workplace, tmp_path: Path, method: str, merged: bool
) -> None:
    folder, seen = study_of(config_for(method, learning_rate=2e-2), workplace, tmp_path / "study")
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=merged)
    model, _, _ = load_merged(to)
    assert torch.allclose(logits(model), seen["logits"], atol=1e-4)
    if merged or method == "full":
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        plain = AutoModelForSeq2SeqLM.from_pretrained(to)
        assert torch.allclose(logits(plain), seen["logits"], atol=1e-4)
        AutoTokenizer.from_pretrained(to)
    card = (to / "README.md").read_text(encoding="utf-8")
    (row,) = folder.read_trials()
    for metric in METRICS:
        cell = "not measured" if row[metric] is None else f"{row[metric]:.4g} | {row[metric]:.4g}"
        assert f"| {metric} | {cell} |" in card
    assert (
        "Measured on 24 test questions: the configuration that one search found, trained with 1 seed(s)"
        in card
    )
    assert "base_model:" not in card  # no name on the Hub
    assert len(list(to.rglob("README.md"))) == 1


@pytest.mark.parametrize(
    "method",
    ["full", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lora", "qlora", "stacked_lora"))],
)
def test_a_kept_model_is_scored_as_one_that_is_trained_again(
    config_for: Maker, workplace: Workplace, tmp_path: Path, method: str
) -> None:
    """Bit for bit: a replicate's confirm trial may find the model of its search trial, or make it anew."""
    searched = config_for(method, learning_rate=2e-2, stage="search")
    scoring = searched.model_copy(update={"stage": "confirm", "trained_by": searched.trial_id})
    folders = [ResultsFolder(tmp_path / name) for name in ("kept", "again")]
    for folder, models in zip(folders, (tmp_path, None), strict=True):
        folder.create()
        place = dataclasses.replace(workplace, kept_models=models)
        for config in (searched, scoring):
            keep = saver(tmp_path / searched.trial_id, searched, workplace.model) if models else None
            row = record_trial(
                run_trial,
                config,
                place,
                folder,
                on_progress=lambda p: None,
                save_model=keep if config is searched else None,
            )
            assert row["status"] == "complete", row["trace"]
    kept, again = (folder.read_table("predictions", scoring.trial_id) for folder in folders)
    assert kept is not None
    assert kept.equals(again)
    rows = [folder.read_trial(scoring.trial_id) for folder in folders]
    for row in rows:  # what the training cost stands in one row alone
        assert row is not None
        assert all(row[name] is None for name in TRAINING_COLUMNS)
        assert searched.trial_id in row["missing"]["train_seconds"]
    same = ("trainable_parameters", "total_parameters", "model_bytes", "trained_by", "split")
    assert all(rows[0][name] == rows[1][name] is not None for name in same if rows[0] and rows[1])


@pytest.mark.slow
def test_the_cards_code_reads_the_model_without_this_project(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    config = config_for("lora", learning_rate=2e-2, prompt_style="without_breakdown")
    folder, _ = study_of(config, workplace, tmp_path / "study")
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=False)
    code = (to / "README.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    assert "study" not in code
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=to, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ask_module.ask(*load_kept(to), QUESTION).text


@pytest.mark.parametrize(
    ("kind", "method", "merged"),
    [
        ("BART", "lora", False),
        pytest.param("Llama", "qlora", False, marks=pytest.mark.slow),
        pytest.param("Llama", "stacked_lora", False, marks=pytest.mark.slow),
        ("Llama", "qlora", True),
    ],
)
def test_what_is_delivered_answers_as_what_was_measured(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    kind: str,
    method: str,
    merged: bool,
) -> None:
    """The card's own code, and `study.ask`, on the questions of the test split."""
    changes = {"learning_rate": 5e-3, "max_steps": 8, "precision": "fp32", "max_target_tokens": 8}
    modules = {} if method == "full" else {"target_modules": "all-linear"}
    base = Source(kind, build(next(one for one in TYPES if one.name == kind), tmp_path / kind))
    config = config_for(method, model=kind, model_fingerprint=kind, **changes, **modules)
    folder, _ = study_of(config, dataclasses.replace(workplace, model=base), tmp_path / "study")
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=merged)
    (row,) = folder.read_trials()
    table = folder.read_table("predictions", row["trial"])
    assert table is not None
    predictions = table.to_pylist()[:3]
    model, tokenizer, config = load_kept(to)
    card = (to / "README.md").read_text(encoding="utf-8")
    assert loading_example(to, config, row) in card
    for prediction in predictions:
        assert printed_by(loading_example(to, config, row, prediction["question"]), to) == prediction["text"]
        assert ask_module.ask(model, tokenizer, config, prediction["question"]).text == prediction["text"]
    assert len({prediction["text"] for prediction in predictions}) > 1


def test_an_adapter_on_a_hub_model_names_it_by_the_hub(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    base = dataclasses.replace(workplace.model, name="google-t5/t5-small", revision="c0ffee")
    place = dataclasses.replace(workplace, model=base)
    folder, _ = study_of(config_for("lora", model="google-t5/t5-small"), place, tmp_path / "study")
    export(folder, "my arm", tmp_path / "x", merged=False)
    adapter = json.loads((tmp_path / "x" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (adapter["base_model_name_or_path"], adapter["revision"]) == ("google-t5/t5-small", "c0ffee")
    card = (tmp_path / "x" / "README.md").read_text(encoding="utf-8")
    assert "base_model: google-t5/t5-small\nlibrary_name: peft\n" in card


def test_qlora_merges_into_the_weights_that_it_was_trained_over(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    folder, seen = study_of(config_for("qlora", learning_rate=2e-2), workplace, tmp_path / "study")
    model, _, _ = load_merged(folder.model_path("my-arm"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert torch.allclose(logits(model), seen["logits"], atol=1e-4)


def test_export_refuses_what_is_not_there(
    config_for: Maker, workplace: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    with pytest.raises(UserError, match="unknown arm 'my-arm': did you mean my arm"):
        export(folder, "my-arm", tmp_path / "x", merged=False)
    with pytest.raises(UserError, match="exists; --to takes a new folder"):
        export(folder, "my arm", tmp_path, merged=False)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="can't be written: Not a directory"):
        export(folder, "my arm", tmp_path / "file" / "x", merged=False)
    (row,) = folder.read_trials()
    folder.write_table("trials", row["trial"], [{**row, "status": "failed"}])
    with pytest.raises(UserError, match="has no measured model: the trial that made it has not finished"):
        export(folder, "my arm", tmp_path / "x", merged=False)
    assert not (tmp_path / "x").exists()
    shutil.rmtree(folder.model_path("my-arm"))
    with pytest.raises(UserError, match="has kept no model"):
        export(folder, "my arm", tmp_path / "x", merged=False)
    assert export_main([str(tmp_path / "none"), "--arm", "a", "--to", "b"]) == 2
    assert "is no results folder" in capsys.readouterr().err
    assert ask_module.main([str(tmp_path), "q"]) == 2
    assert "holds no model of a study" in capsys.readouterr().err
