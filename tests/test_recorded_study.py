"""A study gives the trial ids and the predictions of the record, bit for bit: no change of code moves them.

    python -m tests.test_recorded_study    # records anew, after a change that is meant to move them

The kernels are the plainest that x86 processors share, so that it does not matter which of them computes.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from study.results.folder import ResultsFolder

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "tests" / "recorded" / "every_method.json"
SPACE = RECORD.with_suffix(".py")
SMALL = ["--trials", "2", "--replicates", "1", "--set", "max_steps=12", "--set", "second_max_steps=6"]
SMALL += ["--set", "test_questions=10", "--set", "validation_questions=10", "--max-concurrent", "2"]
SAME_ON_EVERY_X86 = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
}
PREDICTED = ("question_id", "text", "outcome", "correct", "rouge1", "similarity", "nll", "generated_tokens")


def run_study(place: Path) -> ResultsFolder:
    command = [sys.executable, "-m", "study.run", "--space", str(SPACE), "--results", str(place), *SMALL]
    cache = {"FINETUNE_STUDY_CACHE": str(place / "cache")}
    done = subprocess.run(
        [*command, "--no-dashboard"],
        cwd=ROOT,
        env={**os.environ, **SAME_ON_EVERY_X86, **cache},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (study,) = (path.parent for path in place.glob("*/study.json"))
    return ResultsFolder(study)


def contents(folder: ResultsFolder) -> dict[str, dict[str, Any]]:
    """Every trial's arm, stage and configuration, and what it predicted."""
    found = {}
    for row in folder.read_trials():
        assert row["status"] == "complete", row["reason"]
        predictions = folder.read_table("predictions", row["trial"])
        assert predictions is not None
        found[row["trial"]] = {
            "arm": row["arm"],
            "stage": row["stage"],
            "config": json.loads(row["config_json"]),
            "predictions": [[answer[name] for name in PREDICTED] for answer in predictions.to_pylist()],
        }
    return found


@pytest.mark.slow
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="recorded on x86, whose kernels round as they do"
)
def test_a_study_gives_the_ids_and_the_predictions_of_the_record(tmp_path: Path) -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    found = contents(run_study(tmp_path))
    assert sorted(found) == sorted(recorded)
    for trial, known in recorded.items():
        own = found[trial]
        # Settings that came after the record are no part of these ids.
        config = {name: own["config"][name] for name in known["config"]}
        assert {**own, "config": config} == known, f"{trial}, {known['arm']}"


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        trials = [f"{json.dumps(i)}: {json.dumps(t)}" for i, t in contents(run_study(Path(place))).items()]
    RECORD.write_text("{\n" + ",\n".join(trials) + "\n}\n", encoding="utf-8")
