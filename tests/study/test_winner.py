"""The winner in the user's hands: kept, exported, asked, and a trial that is run again."""

import builtins
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from study import ask as ask_module
from study.config import TrialConfig
from study.errors import UserError
from study.export import export
from study.export import main as export_main
from study.record import record_trial
from study.rerun import rerun
from study.results import ResultsFolder
from study.trial import run_trial
from study.winner import load_merged, saver
from study.workplace import Workplace

Maker = Callable[..., TrialConfig]


def logits(model: Any) -> torch.Tensor:
    inputs = torch.arange(3, 15).unsqueeze(0)
    with torch.no_grad():
        return model.eval()(input_ids=inputs, labels=inputs).logits


def study_of(
    config: TrialConfig, workplace: Workplace, root: Path
) -> tuple[ResultsFolder, dict[str, torch.Tensor]]:
    """A results folder with one confirm trial, and the trained model's logits."""
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
    folder.write_description({"study": "s", "space": {"question": "Which?"}, "arms": arms})
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
    card = (to / "README.md").read_text()
    (row,) = folder.read_trials()
    assert f"| rouge1 | {row['rouge1']:.4g} | {row['rouge1']:.4g} |" in card
    assert "Measured on 24 test questions with 1 seed(s)" in card


def test_qlora_merges_into_the_base_in_full_precision(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    folder, seen = study_of(config_for("qlora", learning_rate=2e-2), workplace, tmp_path / "study")
    model, _, _ = load_merged(folder.model_path("my-arm"))
    base = load_merged_base(workplace)
    # The 4-bit base rounds; what the adapter learnt is kept.
    assert (logits(model) - seen["logits"]).abs().mean() < (base - seen["logits"]).abs().mean()


def load_merged_base(workplace: Workplace) -> torch.Tensor:
    from study.models import load_base

    return logits(load_base(workplace.model))


def test_ask_answers_and_shows_the_working(
    config_for: Maker, workplace: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    assert ask_module.main([str(folder.model_path("my-arm")), "How many?"]) == 0
    output = capsys.readouterr().out
    assert "Answer: " in output or "No answer could be read." in output


def test_a_model_whose_base_moved_asks_for_it(
    config_for: Maker, workplace: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    kept = folder.model_path("my-arm")
    about = json.loads((kept / "trial.json").read_text())
    (kept / "trial.json").write_text(json.dumps({**about, "base": "/nowhere"}))
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "is not at '/nowhere'; name it with --base" in capsys.readouterr().err
    assert ask_module.main([str(kept), "How many?", "--base", str(workplace.model.path)]) == 0


def test_export_refuses_what_is_not_there(
    config_for: Maker, workplace: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    with pytest.raises(UserError, match="unknown arm 'my-arm': did you mean my arm"):
        export(folder, "my-arm", tmp_path / "x", merged=False)
    with pytest.raises(UserError, match="exists; --to takes a new folder"):
        export(folder, "my arm", tmp_path, merged=False)
    shutil.rmtree(folder.model_path("my-arm"))
    with pytest.raises(UserError, match="has kept no model"):
        export(folder, "my arm", tmp_path / "x", merged=False)
    assert export_main([str(tmp_path / "none"), "--arm", "a", "--to", "b"]) == 2
    assert "is no results folder" in capsys.readouterr().err
    assert ask_module.main([str(tmp_path), "q"]) == 2
    assert "holds no model of a study" in capsys.readouterr().err


def test_pushing_asks_first(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    asked: list[str] = []
    monkeypatch.setattr(builtins, "input", lambda text: asked.append(text) or "")
    arguments = [str(folder.root), "--arm", "my arm", "--to", str(tmp_path / "x"), "--push-to-hub", "me/x"]
    assert export_main(arguments) == 0
    assert "as 'me/x'" in asked[0]
    assert "Not pushed." in capsys.readouterr().out


def test_a_trial_run_again_gives_the_same_predictions(
    tiny_model: Path, small_data: Path, tmp_path: Path, shared_cache: Path
) -> None:
    import dataclasses

    from study.binding import bind, workplace_of
    from study.plan import Request, make_plan

    short = {"max_steps": 3, "max_target_tokens": 16, "validation_questions": 8}
    request = Request("lora_vs_qlora", model=str(tiny_model), data=str(small_data), settings=short)
    plan = bind(make_plan(request))
    config = plan.arms[0].search_config({})
    folder = ResultsFolder(tmp_path / "study")
    folder.create()
    arms = [{"label": arm.label, "values": dict(arm.values)} for arm in plan.arms]
    folder.write_description({"request": dataclasses.asdict(request), "arms": arms})
    place = workplace_of(plan, config.model)
    record_trial(run_trial, config, place, folder, about={}, on_progress=lambda p: None)
    before = {p: p.stat().st_mtime_ns for p in folder.root.rglob("*")}
    row, same = rerun(folder, config.trial_id, on_progress=lambda phase: None)
    assert same
    assert row["trial"] == config.trial_id
    assert {p: p.stat().st_mtime_ns for p in folder.root.rglob("*")} == before
    with pytest.raises(UserError, match="unknown trial 'abc'"):
        rerun(folder, "abc", on_progress=lambda phase: None)
