"""The pieces that the contests of benchmarks.cpu_study and benchmarks.gpu_study are made of."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import cpu_study, gpu_study
from benchmarks.rivals import gpu_meter
from benchmarks.rivals.contest import Entry, figures
from benchmarks.rivals.table import print_table
from benchmarks.rivals.ways import Run, Trial, Way, WayFailed, check_trials, command
from benchmarks.rivals.work import SPREAD, Asked, Work, draw_points, prepare
from study.engine.slots import Machine, Placement, choose_slots
from tests.cases import zoo

SETTINGS = {"max_steps": 2, "validation_questions": 8, "test_questions": 8}
PLAIN, OURS = Way("plain loop", "plain", 1, 2), Way("this project", "study", 2, 1)


def test_the_points_are_the_profiles_own_and_others_by_the_seed() -> None:
    points = draw_points("embedded", 5, seed=0)
    assert points[0] == {"rank": 8, "learning_rate": 6e-3}
    assert points == draw_points("embedded", 5, seed=0)
    assert points != draw_points("embedded", 5, seed=1)
    assert all(6e-3 / SPREAD <= point["learning_rate"] <= 6e-3 * SPREAD for point in points)
    assert len({point["learning_rate"] for point in points}) == 5


@pytest.fixture(scope="module")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (kind,) = (kind for kind in zoo.TYPES if kind.name == "Llama")
    return zoo.build(kind, tmp_path_factory.mktemp("models") / "tiny-llama")


def small_work(model: Path, data: Path, folder: Path, trials: int = 2) -> Work:
    return prepare(Asked("embedded", trials, SETTINGS, model=str(model), data=str(data)), folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("family", ["tiny_model", "tiny_llama"])
def test_a_trial_of_the_rivals_trains_and_answers(
    family: str, small_data: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    import torch

    from benchmarks.rivals.training import make_trainer, read_exercise

    work = small_work(request.getfixturevalue(family), small_data, tmp_path)
    assert work.has_encoder == (family == "tiny_model")
    exercise = read_exercise(tmp_path, tmp_path, "fp32", threads=1)
    threads = torch.get_num_threads()
    trainer = make_trainer(exercise, work.points[1])
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    right = trainer.evaluate()["eval_accuracy"]
    torch.set_num_threads(threads)
    changed = {name for name, value in trainer.model.named_parameters() if not value.equal(before[name])}
    assert changed
    assert all("lora_" in name for name in changed)
    (line,) = (tmp_path / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    trial = json.loads(line)
    assert {name: trial[name] for name in work.points[1]} == work.points[1]
    assert (trial["accuracy"], trial["threads"], trainer.state.global_step) == (right, 1, 2)
    assert trial["began"] < trial["ended"]


def test_a_rivals_answer_does_not_hang_on_its_batch(
    tiny_llama: Path, small_data: Path, tmp_path: Path
) -> None:
    from benchmarks.rivals.training import answer, make_model, read_exercise

    work = small_work(tiny_llama, small_data, tmp_path)
    exercise = read_exercise(tmp_path, tmp_path, "fp32", threads=1)
    model = make_model(work, 4).eval()
    questions = sorted(exercise.validation.questions, key=len)
    shortest, longest = questions[0], questions[-1]
    assert answer(model, exercise, [shortest, longest])[0] == answer(model, exercise, [shortest])[0]


def test_a_run_that_did_other_trials_is_refused(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    work = small_work(tiny_model, small_data, tmp_path)
    first, second = ({**point, "threads": PLAIN.threads} for point in work.points)
    check_trials(PLAIN, work, [second, first])
    with pytest.raises(WayFailed, match="no complete trial of"):
        check_trials(PLAIN, work, [first, first])
    with pytest.raises(WayFailed, match="1 trials beside those of the work"):
        check_trials(PLAIN, work, [first, second, first])
    with pytest.raises(WayFailed, match=r"trials ran on \[1\] threads, and not on 2"):
        check_trials(PLAIN, work, [first, {**second, "threads": 1}])
    on_gpu = dataclasses.replace(work, device="cuda")
    said = " ".join(command(dataclasses.replace(OURS, at_once=4), on_gpu, tmp_path, tmp_path))
    assert "--max-concurrent 4 --cpus-per-trial 1 --gpus-per-trial 0.25" in said
    assert "--set max_steps=2" in said


def made_up(began: float, wall: float, trials: int, **own: float) -> Run:
    """A run that starts its first trial after 10 s and ends its last one 2 s before its own end."""
    length = (wall - 12) / trials
    begun = [began + 10 + i * length for i in range(trials)]
    done = [Trial(start, start + length, 0.1 * i) for i, start in enumerate(begun)]
    return Run(began, began + wall, done, own, 50.0)


def test_ratios_are_taken_within_a_repeat_and_medians_over_repeats() -> None:
    first = Entry(PLAIN, [made_up(0, 100, 4), made_up(200, 400, 4), made_up(700, 100, 4)])
    other = Entry(OURS, [made_up(100, 50, 4), made_up(600, 100, 4), made_up(800, 100, 4)])
    row = figures(other, first)
    assert row["times_the_first_way"] == 2.0  # of 2, 4 and 1
    assert row["wall_seconds"] == 100.0
    assert row["trials_an_hour"] == 144
    assert row["first_trial_after_seconds"] == 10.0
    assert row["steady_trials_an_hour"] == round(4 * 3600 / 88)
    assert row["best_accuracy_percent"] == 30.0
    assert row["gpu_busy_percent"] is None
    assert [done["steady_seconds"] for done in row["runs"]] == [38.0, 88.0, 88.0]
    assert figures(first, first)["times_the_first_way"] == 1.0


def test_a_way_that_failed_stands_in_the_table_and_takes_nothing_from_the_others() -> None:
    first = Entry(PLAIN, [made_up(0, 100, 4), made_up(200, 100, 4)])
    half = Entry(
        OURS, [None, made_up(300, 50, 4, busy_share=0.9, busy_seconds=60.0, other_trials=6)], "no room"
    )
    none = Entry(dataclasses.replace(OURS, name="another"), [None, None], "[no] room")
    rows = [figures(entry, first) for entry in (first, half, none)]
    assert rows[1]["times_the_first_way"] == 2.0
    assert "trials_an_hour" not in rows[2]
    said = printed(rows, gpu=True)
    assert "2.00x" in said
    assert "this project failed: no room" in said
    assert "another failed: [no] room" in said
    assert "slots busy 90%, 60 s of trials, 6 of them beside the search" in said


def printed(rows: list[dict[str, Any]], **options: bool) -> str:
    console = Console(file=io.StringIO(), width=110, markup=False)
    print_table(rows, console, **options)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


SMI = """#!/bin/sh
case "$*" in
  *--loop-ms*) while :; do echo "$(date '+%Y/%m/%d %H:%M:%S.000'), 40, 1500"; sleep 0.05; done ;;
  *) echo "2026/11/28 12:00:00.000, 0, 3" ;;
esac
"""


def put_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "nvidia-smi"
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_gpu_is_read_while_something_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    put_smi(tmp_path, monkeypatch, SMI)
    with gpu_meter.reading_gpu() as readings:
        time.sleep(0.5)
    assert len(readings) > 2
    assert abs(readings[0].time - time.time()) < 60
    assert gpu_meter.mean_utilisation(readings, 0, time.time()) == 40.0
    assert gpu_meter.mean_utilisation(readings, 0, 1) is None
    assert gpu_meter.peak_memory_mib(readings) == 1500.0


def test_what_nvidia_smi_cannot_say_is_left_out() -> None:
    lines = ["2026/11/28 12:00:00.250, 30, 700", "2026/11/28 12:00:00.450, [N/A], 700", "2026/11/2"]
    (reading,) = gpu_meter.parse("\n".join(lines))
    assert reading.utilisation == 30.0
    assert reading.time % 1 == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (None, "there is no nvidia-smi"),
        ("#!/bin/sh\necho No devices were found; exit 6", "nvidia-smi reads no GPU: No devices were found"),
    ],
)
def test_without_a_gpu_nothing_runs(
    script: str | None,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        put_smi(tmp_path, monkeypatch, script)
    assert gpu_study.main([str(tmp_path), "--to", str(tmp_path / "result.json")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"benchmarks.gpu_study needs a GPU: {why}")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("arguments", [["--trials", "0"], ["--repeats", "x"], ["--set", "rnak=4"]])
def test_bad_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cpu_study.main(arguments)
    assert f"argument {arguments[0]}" in capsys.readouterr().err


def test_the_random_model_has_t5_smalls_shape(tmp_path: Path) -> None:
    folder = gpu_study.write_random_t5(tmp_path / "model", num_layers=1, num_decoder_layers=1)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = ("d_model", "d_ff", "d_kv", "num_heads", "vocab_size", "dropout_rate")
    assert [config[name] for name in names] == [512, 2048, 64, 8, 32128, 0.1]
    assert {path.name for path in folder.iterdir()} >= {"model.safetensors", "tokenizer.json"}


def test_every_variant_of_the_gpu_study_is_a_way_with_its_share() -> None:
    every = gpu_study.ways(16)
    assert len({way.name for way in every}) == len(every)
    assert {(way.at_once, way.threads) for way in every} >= {(1, 16), (2, 8), (4, 4), (8, 2)}
    one_gpu = [Machine(cpus=16, gpus=1)]
    for way in every:
        placement = Placement(way.threads, 1 / way.at_once, way.at_once)
        assert choose_slots(one_gpu, placement, gpu_study.TRIALS).count == way.at_once
    assert max(way.at_once for way in gpu_study.ways(4)) == 4
    assert [way.name for way in gpu_study.choose(every, ["2 a GPU"])] == [
        "plain loop, fp32",
        "this project, 2 a GPU, bf16",
    ]
