"""Going on with a study by its command line: after a power cut, and after a bug that is mended."""

import copy
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from study.errors import UserError
from study.plan.binding import bind
from study.plan.making import make_plan
from study.plan.request import Request
from study.protocol.description import check_same_arms, check_same_sources, describe_study
from study.results.finished import forget_unfinished
from study.results.folder import ResultsFolder
from study.run import main
from study.trial.checkpoints import PROGRESS_FILE
from tests.study.command_line import CommandLine, output_of

STEPS = 12  # of a training


def cut_power(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it started, none of which can do anything about it."""
    everything = [process, *psutil.Process(process.pid).children(recursive=True)]
    for each in everything:
        each.kill()
    process.communicate()


def checkpoints(results: Path) -> dict[str, int]:
    """The step of the last whole checkpoint, by trial."""
    found: dict[str, int] = {}
    for path in results.glob(f"*/checkpoints/*/1/checkpoint-*/{PROGRESS_FILE}"):
        trial, step = path.parents[2].name, int(path.parent.name.rpartition("-")[2])
        found[trial] = max(step, found.get(trial, 0))
    return found


def outcomes(folder: ResultsFolder) -> dict[str, tuple[Any, ...]]:
    """What of each trial must not depend on when it ran."""
    same = ("status", "stage", "accuracy", "search_score", "train_steps", "rung_losses", "rung_cutoffs")
    return {row["trial"]: tuple(row[name] for name in same) for row in folder.read_trials()}


def test_a_study_whose_arms_have_changed_is_not_resumed(tiny_model: Path, small_data: Path) -> None:
    plan = bind(make_plan(Request("lora_vs_qlora", model=str(tiny_model), data=str(small_data), trials=3)))
    description = json.loads(json.dumps(describe_study("mine", plan, 2, 1, None)))
    check_same_arms(plan, description)
    for part, changed in (("ranges", {}), ("search_trials", 4), ("values", {"batch_size": 3})):
        old = copy.deepcopy(description)
        arm = next(arm for arm in old["arms"] if arm["label"] == "qlora socratic")
        arm[part] = {**arm[part], **changed} if part == "values" else changed
        with pytest.raises(
            UserError, match=rf"a default of the project, has changed .* \(arm '.*': {part}\)"
        ):
            check_same_arms(plan, old)
    description["arms"][0]["values"]["model_fingerprint"] = "another"
    with pytest.raises(UserError, match="the model has changed"):
        check_same_sources(plan, description)


@pytest.mark.parametrize(
    "change",
    [
        {"arms": None},
        {"arms": [{"label": "lora"}]},
        {"extensions": None},
        {"search_width": "2"},
        {"looks": [3, 6]},
        {"looks_taken": {}},
        {"request": {"space": "lora_vs_qlora", "looks": 3}},
        {"request": {"space": "lora_vs_qlora", "replicates_of": None}},
        {"request": {"space": "lora_vs_qlora", "replicates": "five"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [[], ["--replicates", "9"]], ids=["resumed", "extended"])
def test_a_description_of_another_shape_is_refused_in_a_line(
    change: dict[str, Any],
    options: list[str],
    tiny_model: Path,
    small_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = bind(make_plan(Request("lora_vs_qlora", model=str(tiny_model), data=str(small_data))))
    description = {**describe_study("mine", plan, 2, 1, None), **change}
    (tmp_path / "study.json").write_text(json.dumps(description), encoding="utf-8")
    assert main(["--resume", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert "this study.json was written by another version of the study; it can't be resumed" in error
    assert error.count("\n") == 1


def test_rows_of_failed_trials_go_before_they_are_tried_again(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.create()
    for trial, status in (("a", "failed"), ("b", "complete"), ("c", "diverged"), ("d", "failed")):
        folder.finish_trial({"trial": trial, "status": status})
    folder.table_path("trials", "e").write_bytes(b"a row that can't be read")
    forget_unfinished(folder, {"b": {}, "c": {}, "d": {}})
    assert folder.trial_ids() == ["b", "c", "d", "e"]


@pytest.mark.slow
def test_a_study_cut_off_in_mid_training_ends_as_if_it_had_not_been(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    trainer = "in_earnest_with_a_checkpoint_at_every_step"
    options = ["--trials", "8", "--replicates", "1", "--confirm-seeds", "1", "--track", "tensorboard"]
    options += ["--set", "method=lora", "--seed", "2"]
    options += ["--set", f"max_steps={STEPS}", "--set", "max_target_tokens=16"]
    undisturbed = CommandLine(tiny_model, small_data, tmp_path / "undisturbed")
    output_of(undisturbed.start(trainer, *options))
    expected = outcomes(undisturbed.folder)
    assert {outcome[0] for outcome in expected.values()} == {"complete", "pruned"}

    study = CommandLine(tiny_model, small_data, tmp_path / "cut-off")
    process = study.start(trainer, *options)
    deadline = time.monotonic() + 200
    while not any(2 < step <= STEPS // 2 for step in checkpoints(study.results).values()):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    cut_power(process)
    left = checkpoints(study.results)
    logged = {trial: study.folder.log_path(trial).stat().st_size for trial in left}
    assert min(left.values()) < STEPS

    output_of(study.resume(trainer, "--track", "tensorboard"))
    assert outcomes(study.folder) == expected
    for trial, step in left.items():
        if step == STEPS:
            continue
        log = study.folder.log_path(trial).read_bytes()[logged[trial] :].decode()
        assert int(re.findall(r"^step (\d+) of", log, re.MULTILINE)[0]) > step
    for trial in expected:
        both = (undisturbed.folder, study.folder)
        texts = [folder.table_path("predictions", trial) for folder in both]
        assert texts[0].exists() == texts[1].exists()
        if texts[0].exists():
            columns = ["question_id", "text", "nll"]
            assert pq.read_table(texts[0], columns=columns).equals(pq.read_table(texts[1], columns=columns))
    for folder in both:
        assert len(list((folder.root / "tracking").rglob("events.*"))) >= len(expected)


@pytest.mark.slow
def test_a_bug_in_every_training_stops_the_study_which_goes_on_when_it_is_mended(
    tiny_model: Path, small_data: Path, tmp_path: Path
) -> None:
    study = CommandLine(tiny_model, small_data, tmp_path)
    output = output_of(
        study.start(
            "with_a_bug_in_every_training", "--trials", "4", "--replicates", "1", "--confirm-seeds", "1"
        ),
        1,
    )
    assert output.count("Stopped: 5 or more trials failed and no training finished") == 1
    assert "the last: RuntimeError: a bug in the trainer (log: " in output
    assert f"Go on with: python -m study.run --resume {study.folder}" in output
    assert "Next: " not in output
    assert json.loads(study.folder.description_path.read_text(encoding="utf-8"))["finished_at"] is None

    before = {path: path.stat().st_mtime_ns for path in study.folder.root.rglob("*")}
    output = " ".join(output_of(study.resume("run_trial", "--dry-run")).split())
    said = r"15 of 2 arms: 8 trainings to search, 2 to confirm, 5 baselines; 2 at once; at most \d+ are left"
    assert re.search(said, output)
    assert output.endswith("Nothing was run.")
    assert {path: path.stat().st_mtime_ns for path in study.folder.root.rglob("*")} == before

    output_of(study.resume("run_trial"))
    assert {row["status"] for row in study.folder.read_trials()} == {"complete"}
    assert len(study.folder.read_trials()) == 15
