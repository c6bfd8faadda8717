"""What earlier studies of the same arms tell before a study: how much its replicates will differ."""

import dataclasses
import json
from pathlib import Path

import pytest

from study.cost.earlier_trials import MOST_TRIALS, read_earlier_trials
from study.plan.binding import bind
from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from study.protocol.description import describe_study
from study.results.folder import ResultsFolder
from study.run import main

SPACE = ["--space", "lora_vs_qlora", "--set", "variant=main"]


@pytest.fixture
def request_(tiny_model: Path, small_data: Path) -> Request:
    return Request("lora_vs_qlora", model=str(tiny_model), data=str(small_data), settings={"variant": "main"})


def write_study(folder: ResultsFolder, plan: Plan) -> None:
    """A finished study whose replicates were right in 20, 30, 40, 50 and 60%."""
    folder.create()
    folder.write_description(json.loads(json.dumps(describe_study(folder.root.name, plan, 2, 1, None))))
    for arm in ("lora", "qlora", "zero-shot"):
        for replicate in range(5 if arm != "zero-shot" else 1):
            trial = f"{arm}{replicate}"
            row = {"trial": trial, "study": folder.root.name, "arm": arm, "questions": 24}
            row |= {"stage": "confirm", "status": "complete", "accuracy": 20.0 + 10 * replicate}
            folder.finish_trial({**row, "replicate": None if arm == "zero-shot" else replicate})


def test_the_spread_of_earlier_replicates_takes_the_place_of_the_assumed_one(
    request_: Request,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert request_.model
    assert request_.data
    dry = [
        *SPACE,
        "--model",
        request_.model,
        "--data",
        request_.data,
        "--dry-run",
        "--results",
        str(tmp_path),
    ]
    assert main(dry) == 0
    assert "replicates differ by 1.8 points (sd)" in capsys.readouterr().out
    write_study(ResultsFolder(tmp_path / "earlier"), bind(make_plan(request_)))
    assert main([*dry, "--seed", "5"]) == 0
    # sd 15.8, of which 7.5 are by chance over 24 questions
    assert "measured: replicates differ by 13.9 points (sd)" in capsys.readouterr().out


def test_only_the_same_searches_count(request_: Request, tmp_path: Path) -> None:
    plan = bind(make_plan(request_))
    write_study(ResultsFolder(tmp_path / "earlier"), plan)
    assert {row["arm"] for row in read_earlier_trials(tmp_path, plan)} == {"lora", "qlora"}
    for changes in ({"trials": 3}, {"settings": {"variant": "main", "max_steps": 7}}, {"confirm_seeds": 2}):
        other = bind(make_plan(dataclasses.replace(request_, **changes)))
        assert read_earlier_trials(tmp_path, other) == []


def test_what_is_no_study_or_a_huge_one_is_passed_over(request_: Request, tmp_path: Path) -> None:
    plan = bind(make_plan(request_))
    for name, text in (("torn", '{"arms": ['), ("list", "[]"), ("old", '{"arms": [{"label": "lora"}]}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "study.json").write_text(text, encoding="utf-8")
    assert read_earlier_trials(tmp_path, plan) == []
    huge = ResultsFolder(tmp_path / "huge")
    write_study(huge, plan)
    for i in range(MOST_TRIALS):
        huge.table_path("trials", f"x{i}").touch()
    assert read_earlier_trials(tmp_path, plan) == []
