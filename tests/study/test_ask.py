"""Asking a model that a study has kept."""

import json
from pathlib import Path

import pytest

from study import ask as ask_module
from study.data.loading import Problem
from study.data.prompts import asked_source, render
from study.winner import keeping as winner
from study.workplace import Workplace
from tests.study.winner.trained import Maker, study_of


def test_ask_answers_and_shows_the_working(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    said = {"text": "30 - 12 = 18\n#### 18"}
    decode = "transformers.PreTrainedTokenizerBase.decode"
    monkeypatch.setattr(decode, lambda self, ids, **options: said["text"])
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
