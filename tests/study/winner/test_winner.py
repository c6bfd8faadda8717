"""The winner in the user's hands: kept, exported, asked, and a trial that is run again."""

import builtins
import contextlib
import dataclasses
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from huggingface_hub.errors import HTTPError

from study import ask as ask_module
from study.config import TrialConfig
from study.data.loading import Problem
from study.data.prompts import asked_source, render
from study.errors import UserError
from study.export import export, push
from study.export import main as export_main
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.plan.request import Request
from study.rerun import rerun
from study.results.folder import ResultsFolder
from study.results.schema import SCHEMA_VERSION
from study.sources.finding import Source
from study.trial.record import record_trial
from study.trial.trial import TRAINING_COLUMNS, run_trial
from study.winner import keeping as winner
from study.winner.card import METRICS
from study.winner.card_code import QUESTION, loading_example
from study.winner.keeping import load_kept, load_merged, saver
from study.workplace import Workplace
from tests.cases.zoo import TYPES, build

Maker = Callable[..., TrialConfig]


def logits(model: Any) -> torch.Tensor:
    inputs = torch.arange(3, 15).unsqueeze(0)
    with torch.no_grad():
        return model.eval()(input_ids=inputs, labels=inputs).logits


def study_of(
    config: TrialConfig, workplace: Workplace, root: Path
) -> tuple[ResultsFolder, dict[str, torch.Tensor]]:
    """A results folder with one confirm trial that trained its model, and the trained model's logits."""
    folder, seen = ResultsFolder(root), {}
    folder.create()
    keep = saver(folder.model_path("my-arm"), config, workplace.model)

    def save(model: Any, tokenizer: Any) -> None:
        keep(model, tokenizer)
        seen["logits"] = logits(model)

    about = {"study": "s", "arm": "my arm"}
    row = record_trial(
        run_trial, config, workplace, folder, about=about, on_progress=lambda p: None, save_model=save
    )
    assert row["status"] == "complete", row["trace"]
    arms = [{"label": "my arm", "slug": "my-arm", "search_trials": 1}]
    about = {"schema_version": SCHEMA_VERSION, "study": "s", "space": {"question": "Which?"}, "arms": arms}
    folder.write_description(about)
    return folder, seen


@pytest.mark.parametrize("method", ["lora", "full", "stacked_lora"])
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


@pytest.mark.parametrize("method", ["lora", "qlora", "full", "stacked_lora"])
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
                about={},
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
        ("Llama", "qlora", False),
        ("Llama", "stacked_lora", False),
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
        code = loading_example(to, config, row, prediction["question"])
        said = io.StringIO()
        with contextlib.chdir(to), contextlib.redirect_stdout(said):
            exec(compile(code, "card", "exec"), {})
        assert said.getvalue().strip() == prediction["text"]
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


def test_ask_answers_and_shows_the_working(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    said = {"text": "30 - 12 = 18\n#### 18"}
    monkeypatch.setattr("study.models.families.EncoderDecoder.generate", lambda *rest: [said["text"]])
    monkeypatch.setattr("transformers.PreTrainedTokenizerBase.decode", lambda self, text, **options: text)
    kept = str(folder.model_path("my-arm"))
    capsys.readouterr()
    assert ask_module.main([kept, "How many?"]) == 0
    assert capsys.readouterr().out == "30 - 12 = 18\n#### 18\n\nAnswer: 18\n"
    said["text"] = "no idea"
    assert ask_module.main([kept, "How many? " * 60]) == 0
    output = capsys.readouterr().out
    assert "(max_source_tokens=96): " in output
    assert " tokens at its end were cut off." in output
    assert output.endswith("no idea\n\nNo answer: no number could be read.\n")
    assert ask_module.main([kept, " "]) == 2
    assert capsys.readouterr().err == "error: the question is empty\n"


@pytest.mark.parametrize(
    ("program", "number", "reason"),
    [
        ("a = 30-12; answer = a*2", "36", None),
        ("answer = 1/0", None, "the program ended as runtime error: "),
        ("import os; answer = 1", None, "the program ended as refused: "),
        ("18", None, "the program ended as no program: "),
    ],
)
def test_a_programs_number_is_its_value(program: str, number: str | None, reason: str | None) -> None:
    found, why = ask_module._number_of(program, "python_code")
    assert found == number
    assert (why is None) == (reason is None)
    assert (why or "").startswith(reason or "")


def test_a_breakdown_is_asked_as_it_was_trained() -> None:
    problem = Problem("Solve it.\nHow many?", "Left? ** 48/2=24\nIn all? ** 24+3=27\n#### 27")
    trained = render(problem, "with_breakdown", "strip", variant="socratic").source
    for parts in ("Left?\nIn all?", "1. Left?\n2. In all?\n"):
        assert asked_source(f"{problem.question}\nBreakdown:\n{parts}", "with_breakdown") == trained
    assert trained.startswith(asked_source(problem.question, "with_breakdown"))


def test_a_model_whose_base_moved_asks_for_it(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    kept = folder.model_path("my-arm")
    about = json.loads((kept / "trial.json").read_text(encoding="utf-8"))
    (kept / "trial.json").write_text(json.dumps({**about, "base": "/nowhere"}), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "is not at '/nowhere'; name it with --base" in capsys.readouterr().err
    assert ask_module.main([str(kept), "How many?", "--base", str(workplace.model.path)]) == 0
    assert ask_module.main([str(kept), "How many?", "--base", str(tmp_path / "none")]) == 2
    assert "none' is no folder; it must hold the base model 'tiny-t5'" in capsys.readouterr().err
    # One that is shipped, or on the Hub, is found where it is on this machine; and must be the same.
    monkeypatch.setattr(winner, "find_model", lambda name: workplace.model)
    renamed = {**about, "config": {**about["config"], "model": "me/tiny-t5"}, "base": "/nowhere"}
    (kept / "trial.json").write_text(json.dumps(renamed), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 0
    renamed["config"]["model_fingerprint"] = "another"
    (kept / "trial.json").write_text(json.dumps(renamed), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "the base model 'me/tiny-t5' has changed since" in capsys.readouterr().err


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


class Hub:
    """A stand-in for the Hub's client: remembers what it is told, and refuses if it is given an error."""

    def __init__(self, error: Exception | None = None):
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._error = error

    def create_repo(self, name: str, **options: Any) -> None:
        if self._error:
            raise self._error
        self.calls.append(("create", {"name": name, **options}))

    def upload_folder(self, **options: Any) -> None:
        files = sorted(path.name for path in Path(options["folder_path"]).iterdir())
        self.calls.append(("upload", {**options, "files": files}))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "x"
    folder.mkdir()
    for name in ("README.md", "adapter_model.safetensors"):
        (folder / name).write_text("x", encoding="utf-8")
    return folder


@pytest.mark.parametrize("answer", ["", "n", "no", "maybe", None])
def test_pushing_asks_first_and_takes_only_yes(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str | None
) -> None:
    hub, asked = Hub(), []

    def reply(text: str) -> str:
        asked.append(text)
        if answer is None:
            raise EOFError  # no terminal
        return answer

    monkeypatch.setattr("huggingface_hub.HfApi", lambda: hub)
    monkeypatch.setattr(builtins, "input", reply)
    push(exported, "me/x")
    assert hub.calls == []
    assert asked == [
        f"Push 2 files (0.0 MB) of '{exported}' to the Hub as 'me/x'? A new repository is private. [y/N] "
    ]
    assert capsys.readouterr().out == "Not pushed.\n"


def test_a_yes_pushes_the_exported_folder(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub()
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: hub)
    monkeypatch.setattr(builtins, "input", lambda text: "y")
    push(exported, "me/x")
    files = ["README.md", "adapter_model.safetensors"]
    assert hub.calls == [
        ("create", {"name": "me/x", "private": True, "exist_ok": True}),
        ("upload", {"repo_id": "me/x", "folder_path": str(exported), "files": files}),
    ]
    assert capsys.readouterr().out == "Pushed to me/x.\n"


@pytest.mark.parametrize("error", [OSError("no token\nlog in"), HTTPError("no route")], ids=["os", "http"])
def test_a_hub_that_refuses_is_one_line(
    exported: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: Hub(error))
    monkeypatch.setattr(builtins, "input", lambda text: "yes")
    with pytest.raises(UserError, match=r"could not be pushed to 'me/x': no (token|route)$"):
        push(exported, "me/x")
    assert exported.is_dir()


def test_a_name_that_the_hub_cannot_have_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path), "--arm", "a", "--to", str(tmp_path / "x"), "--push-to-hub", "not a name"]
    assert export_main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --push-to-hub: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("arm", ["lora plain", "stacked-lora python-code"])
def test_a_trial_run_again_gives_the_same_predictions(
    tiny_model: Path, small_data: Path, small_code: Path, tmp_path: Path, shared_cache: Path, arm: str
) -> None:
    space = tmp_path / "space.py"
    space.write_text(
        "from study.space import Space\n"
        "SPACE = Space('Which?', {'method': ['lora', 'stacked_lora'],\n"
        "                         'prompt_style': ['plain', 'python_code']}, ['learning_rate'])\n",
        encoding="utf-8",
    )
    short = {"max_steps": 3, "second_max_steps": 2, "max_target_tokens": 16, "validation_questions": 8}
    request = Request(
        str(space), model=str(tiny_model), data=str(small_data), code_data=str(small_code), settings=short
    )
    plan = bind(make_plan(request))
    (chosen,) = (found for found in plan.arms if found.label == arm)
    config = chosen.confirm_config({}, 1)
    folder = ResultsFolder(tmp_path / "study")
    folder.create()
    arms = [{"label": found.label, "values": dict(found.values)} for found in plan.arms]
    about = {"schema_version": SCHEMA_VERSION, "request": dataclasses.asdict(request), "arms": arms}
    folder.write_description(about)
    place = workplace_of(plan, config.model)
    record_trial(run_trial, config, place, folder, about={}, on_progress=lambda p: None)
    before = {p: p.stat().st_mtime_ns for p in folder.root.rglob("*")}
    row, same = rerun(folder, config.trial_id, on_progress=lambda phase: None)
    assert same
    assert row["trial"] == config.trial_id
    assert {p: p.stat().st_mtime_ns for p in folder.root.rglob("*")} == before
    with pytest.raises(UserError, match="unknown trial 'abc'"):
        rerun(folder, "abc", on_progress=lambda phase: None)
    # What is on record differs in one word: it is seen.
    path = folder.table_path("predictions", config.trial_id)
    rows = pq.read_table(path).to_pylist()
    folder.write_table("predictions", config.trial_id, [{**rows[0], "text": "x"}, *rows[1:]])
    assert not rerun(folder, config.trial_id, on_progress=lambda phase: None)[1]
