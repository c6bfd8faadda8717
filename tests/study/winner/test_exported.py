"""The winner in the user's hands: kept, exported, and read without this project."""

import contextlib
import dataclasses
import io
import json
import re
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
from study.sources.finding import Source, find_data
from study.tasks.finding import find_task
from study.trial.record import record_trial
from study.trial.trial import TRAINING_COLUMNS, run_trial
from study.winner.card import METRICS
from study.winner.card_code import QUESTION, loading_example
from study.winner.keeping import load_kept, load_merged, saver
from study.workplace import Workplace
from tasks import classification
from tests.cases.models.tiny import CHATML, chat_model
from tests.cases.zoo import TYPES, build
from tests.study.winner.trained import Maker, logits, study_of


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


# Templates that are asked each in another way: as they are, with thinking switched off, with a thought taken
# away, with a header put in, and with an end that the tokenizer does not know as special.
TEMPLATES = {
    "ChatML": CHATML,
    "switch": CHATML.replace(
        "'<|im_start|>assistant\n'",
        "'<|im_start|>assistant\n' + ('' if enable_thinking is defined else 'Hm.')",
    ),
    "thought": CHATML.replace("'<|im_start|>assistant\n'", "'<|im_start|>assistant\n<think>\n'"),
    "no header": CHATML.partition("{% if add")[0],
    "own end": CHATML.replace("<|im_end|>", "<|stop|>"),
    "no end": CHATML.replace("<|im_end|>", ""),
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_chat_model_is_delivered_with_the_template_that_it_was_measured_through(
    config_for: Maker, workplace: Workplace, tmp_path: Path, template: str
) -> None:
    base = Source("chat", chat_model(tmp_path / "base", TEMPLATES[template]))
    changes = {"learning_rate": 5e-3, "max_steps": 25, "precision": "fp32", "max_target_tokens": 8}
    config = config_for(
        "full", model="chat", model_fingerprint=template, template="chat", system='Be "brief".', **changes
    )
    folder, _ = study_of(config, dataclasses.replace(workplace, model=base), tmp_path / "study")
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=False)
    (row,) = folder.read_trials()
    table = folder.read_table("predictions", row["trial"])
    assert table is not None
    model, tokenizer, config = load_kept(to)
    card = (to / "README.md").read_text(encoding="utf-8")
    assert loading_example(to, config, row) in card
    assert "tokenizer.apply_chat_template(messages, " in card
    assert "through the tokenizer's chat template" in card
    said = []
    for prediction in table.to_pylist()[:3]:
        said.append(printed_by(loading_example(to, config, row, prediction["question"]), to))
        assert said[-1] == prediction["text"]
        assert ask_module.ask(model, tokenizer, config, prediction["question"]).text == prediction["text"]
    assert any(said)


def printed_by(code: str, folder: Path) -> str:
    """What a card's code prints, run in its folder."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(code, "card", "exec"), {})
    return said.getvalue().strip()


@pytest.mark.parametrize(
    ("name", "style"), [("classification", "instruction"), ("mine", "plain"), ("mine", "instruction")]
)
def test_a_model_of_another_task_is_asked_as_its_task_puts_it_where_its_data_are_not(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    style: str,
) -> None:
    rows = [f"Text {i} is {'good' if i % 2 else 'bad'}.,{'yes' if i % 2 else 'no'}" for i in range(60)]
    (tmp_path / "labels.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    text = Path(classification.__file__).read_text(encoding="utf-8")
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    task = find_task(name if name == "classification" else str(tmp_path / "mine.py"))
    place = dataclasses.replace(
        workplace, data=find_data(str(tmp_path / "labels.csv")), task=task, columns=None
    )
    changes = {"task": name, "task_fingerprint": task.fingerprint, "prompt_style": style}
    changes["max_target_tokens"] = 8
    config = config_for(
        "full", data="labels", data_fingerprint="labels", learning_rate=1e-2, max_steps=60, **changes
    )
    folder, _ = study_of(config, place, tmp_path / "study")
    (tmp_path / "labels.csv").unlink()
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=False)
    card = (to / "README.md").read_text(encoding="utf-8")
    assert "- macro_f1 (%): the mean of the labels' F1" in card
    assert re.search(r"^\| macro_f1 \| [\d.]+ \| [\d.]+ \|$", card, re.MULTILINE)
    assert ("Classify the text. Labels: no, yes." in card) == (name == "classification")
    assert ("is code of the task's own file" in card) == (name == "mine" and style == "instruction")
    file = ["--task", str(tmp_path / "mine.py")] if name == "mine" else []
    (row,) = folder.read_trials()
    table = folder.read_table("predictions", row["trial"])
    assert table is not None
    assert any(prediction["answer"] for prediction in table.to_pylist())
    for prediction in table.to_pylist()[:4]:
        if (name, style) != ("mine", "instruction"):
            example = loading_example(to, config, row, prediction["question"])
            assert printed_by(example, to) == prediction["text"]
        capsys.readouterr()
        assert ask_module.main([str(to), prediction["question"], *file]) == 0
        answer = prediction["answer"]
        last = f"Answer: {answer}" if answer else "No answer: its task could read none."
        assert capsys.readouterr().out == f"{prediction['text']}\n\n{last}\n"


def test_no_code_that_comes_with_a_model_is_run(
    config_for: Maker, workplace: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a task of somebody's own its file is asked for, and must be the one it was trained with."""
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    kept = folder.model_path("my-arm")
    about = json.loads((kept / "trial.json").read_text(encoding="utf-8"))
    about["task"] = {"name": "theirs", "fingerprint": "0" * 16, "labels": [], "source": None}
    (kept / "trial.json").write_text(json.dumps(about), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "is code of the task's own file; --task FILE names it" in capsys.readouterr().err
    (tmp_path / "theirs.py").write_text(Path(classification.__file__).read_text(encoding="utf-8"))
    assert ask_module.main([str(kept), "How many?", "--task", str(tmp_path / "theirs.py")]) == 2
    assert "is another task than that of the model, 'theirs'" in capsys.readouterr().err
    about["task"] |= {"text": "raise SystemExit"}
    (kept / "trial.json").write_text(json.dumps(about), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "holds no model of a study" in capsys.readouterr().err


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
