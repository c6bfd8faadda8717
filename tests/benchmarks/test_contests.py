"""The two contests as a user runs them, at a size that takes a minute."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import cpu_study, gpu_study
from study.workplace import available_cpus

TINY = ["--trials", "2", "--repeats", "1", "--set", "max_steps=4"]
TINY += ["--set", "validation_questions=20", "--set", "test_questions=20"]


@pytest.mark.slow
def test_all_ways_do_the_same_work_on_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    assert cpu_study.main([*TINY, "--to", str(figures)]) == 0
    said = capsys.readouterr().out
    result = json.loads(figures.read_text(encoding="utf-8"))
    assert result["command"] == f"python -m benchmarks.cpu_study {' '.join(TINY)} --to FILE"
    assert str(tmp_path) not in json.dumps(result)
    assert result["work"]["steps"] == 4
    ways = {row["way"]: row for row in result["ways"]}
    assert list(ways) == ["plain loop", "hyperparameter_search on Ray", "this project"]
    for name, row in ways.items():
        assert row["failure"] is None
        assert 0 < row["trials_an_hour"] < row["steady_trials_an_hour"]
        assert 0 < row["first_trial_after_seconds"] < row["wall_seconds"]
        assert name in said
    assert ways["this project"]["other_trials"] == 6
    assert 0 < ways["this project"]["busy_share"] <= 1


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
def test_all_ways_do_the_same_work_on_a_gpu(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    chosen = [text for name in ("4 a GPU", "one a GPU") for text in ("--only", name)]
    own = ["--model", str(tiny_model), "--set", "max_source_tokens=96", "--set", "max_target_tokens=32"]
    assert gpu_study.main([str(small_data), *own, *TINY, *chosen, "--to", str(figures)]) == 0
    result = json.loads(figures.read_text(encoding="utf-8"))
    assert result["gpu"] == torch.cuda.get_device_name()
    assert str(tmp_path) not in json.dumps(result)
    ways = gpu_study.choose(gpu_study.ways(available_cpus()), ["4 a GPU", "one a GPU"])
    assert [row["way"] for row in result["ways"]] == [way.name for way in ways]
    for row in result["ways"]:
        assert row["failure"] is None
        assert 0 <= row["gpu_busy_percent"] <= 100
        assert row["gpu_memory_mib"] > 0
