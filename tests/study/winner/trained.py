"""A results folder with one trained model, for the tests of what becomes of it."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from study.config import TrialConfig
from study.results.folder import ResultsFolder
from study.results.schema import SCHEMA_VERSION
from study.trial.record import StudyContext, record_trial
from study.trial.trial import run_trial
from study.winner.asking import asked_of
from study.winner.keeping import saver
from study.workplace import Workplace

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
    asked = asked_of(config, workplace)
    keep = saver(folder.model_path("my-arm"), config, workplace.model, asked)

    def save(model: Any, tokenizer: Any) -> None:
        keep(model, tokenizer)
        seen["logits"] = logits(model)

    about = {"study": "s", "arm": "my arm"}
    row = record_trial(
        run_trial,
        config,
        workplace,
        folder,
        on_progress=lambda p: None,
        save_model=save,
        context=StudyContext(about),
    )
    assert row["status"] == "complete", row["trace"]
    arms = [{"label": "my arm", "slug": "my-arm", "search_trials": 1}]
    about = {"schema_version": SCHEMA_VERSION, "study": "s", "space": {"question": "Which?"}, "arms": arms}
    scores = [
        {"name": score.name, "unit": score.unit, "description": score.description}
        for score in workplace.task.task.scores
    ]
    about["task"] = {"description": workplace.task.task.description, "scores": scores}
    folder.write_description(about)
    return folder, seen


def printed_by(code: str, folder: Path) -> str:
    """What a card's code prints, run in its folder."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(code, "card", "exec"), {})
    return said.getvalue().strip()
