"""Files that somebody else may have written run nothing when a study reads them."""

import dataclasses
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from study.config import TrialConfig
from study.trial import recorder
from study.trial.checkpoints import CHECKSUMS_FILE
from study.trial.record import Outcome
from study.trial.trial import run_trial
from study.workplace import Workplace


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path):
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


def test_a_pickle_in_a_checkpoint_runs_nothing(
    config_for: Callable[..., TrialConfig],
    workplace: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = config_for("lora", max_steps=4, stage="search")
    step_of = recorder.Recorder.on_step_end

    class CutOff(Exception):
        pass

    def cut(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 3:
            raise CutOff
        step_of(self, args, state, control, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "on_step_end", cut)
        patch.setattr(recorder, "CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(CutOff):
            run(config, workplace, tmp_path / "honest")

    checkpoint = Path("1") / "checkpoint-2"
    made = tmp_path / "made"
    pickles = [p.name for p in (tmp_path / "honest" / checkpoint).iterdir() if p.suffix in (".pt", ".pth")]
    assert sorted(pickles) == ["optimizer.pt", "rng_state.pth", "scheduler.pt"]
    for name in pickles:
        shutil.copytree(tmp_path / "honest", tmp_path / name)
        torch.save(Hostile(made), tmp_path / name / checkpoint / name)
        (tmp_path / name / checkpoint / CHECKSUMS_FILE).unlink()  # which would tell that it was changed
        with pytest.raises(pickle.UnpicklingError):
            run(config, workplace, tmp_path / name)
        assert not made.exists()
    torch.load(tmp_path / name / checkpoint / name, weights_only=False)
    assert made.exists()  # it would have run


def run(config: TrialConfig, workplace: Workplace, checkpoints: Path) -> None:
    there = dataclasses.replace(workplace, checkpoints=checkpoints)
    run_trial(config, there, Outcome(), on_progress=lambda progress: None)
