import io
from typing import Any

import pytest
from rich.console import Console

from study.engine.display import Display, Progress, show_seconds
from study.plan.making import make_plan
from study.plan.request import Request
from study.search.assignment import Assignment
from study.search.search import StudySearch


def row(assignment: Assignment, **changes: Any) -> dict[str, Any]:
    return {
        "trial": assignment.config.trial_id,
        "status": "complete",
        "accuracy": 41.5,
        "search_score": 41.5,
        "busy_seconds": 30.0,
        **assignment.config.model_dump(include=set(assignment.arm.ranges)),
        **changes,
    }


def shown(*, terminal: bool, changes: dict[str, Any]) -> str:
    plan = make_plan(Request("lora_vs_qlora", trials=4))
    search = StudySearch(plan, 1, {})
    progress = Progress(plan, slots=2)
    console = Console(file=io.StringIO(), width=100, force_terminal=terminal, color_system=None)
    with Display(progress, console) as display:
        first, second = search.next(), search.next()
        assert first
        assert second
        for assignment in (first, second):
            display.started(assignment)
        display.progressed(first, {"phase": "training", "step": 50, "steps": 200, "loss": 1.25})
        display.finished(second, row(second, **changes))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_finished_trial_is_a_line() -> None:
    assert shown(terminal=False, changes={}) == (
        "[  1/110] lora socratic, replicate 1, search 1 of 4: accuracy 41.5% in 30 s, about 27 min left\n"
    )


def test_a_terminal_shows_arms_running_trials_and_the_time_left() -> None:
    text = shown(terminal=True, changes={})
    assert "1 of 110 trials, 1 running, about 27 min left" in text
    assert "lora main, replicate 1, search 1 of 4   training   step 50 of 200   loss 1.250" in text
    line = next(line for line in reversed(text.splitlines()) if line.startswith("lora socratic"))
    assert line.split() == ["lora", "socratic", "1/20", "0/5", "41.5%"]


def test_a_failure_is_a_line_with_its_reason_and_its_log() -> None:
    failed = {"status": "diverged", "reason": "the loss is nan", "accuracy": None, "log": "logs/x.log"}
    for terminal in (True, False):
        text = shown(terminal=terminal, changes=failed)
        assert "diverged: lora socratic, replicate 1, search 1 of 4" in text
        assert "the loss is nan; log: logs/x.log" in text


def test_the_time_left_weighs_what_is_left_by_arm_and_stage() -> None:
    plan = make_plan(Request("lora_vs_qlora", replicates=2, trials=2, settings={"variant": "main"}))
    expected = {(arm.label, "confirm"): 1.0 for arm in plan.arms}
    expected |= {("lora", "search"): 10.0, ("qlora", "search"): 20.0}
    progress = Progress(plan, 2, expected)
    search = StudySearch(plan, 1, {})
    first = search.next()
    assert first
    assert (first.arm.label, first.number) == ("lora", 0)
    progress.finish(first, row(first, busy_seconds=30.0))  # three times what was expected
    left = 3 * 30 + 4 * 3 * 20 + (2 + 2 + 5) * 3 * 1
    assert progress.seconds_left == pytest.approx(left / 2)


def test_the_busy_share_is_of_the_slots_time() -> None:
    plan = make_plan(Request("lora_vs_qlora", trials=4))
    progress = Progress(plan, slots=2)
    search = StudySearch(plan, 1, {})
    for _ in range(2):
        assignment = search.next()
        assert assignment
        progress.finish(assignment, row(assignment))
    assert progress.busy_share(wall_seconds=40) == 0.75


def test_durations_read_as_people_say_them() -> None:
    assert [show_seconds(s) for s in (7, 89, 400, 9000)] == ["7 s", "89 s", "7 min", "2.5 h"]
