"""A trial that is run again."""

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from study.errors import UserError
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.plan.request import Request
from study.rerun import rerun
from study.results.folder import ResultsFolder
from study.results.schema import SCHEMA_VERSION
from study.trial.record import record_trial
from study.trial.trial import run_trial


@pytest.mark.parametrize(
    "arm", ["lora plain", pytest.param("stacked-lora python-code", marks=pytest.mark.slow)]
)
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
    record_trial(run_trial, config, place, folder, on_progress=lambda p: None)
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
