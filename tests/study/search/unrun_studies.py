"""Studies without a machine: trials are handed out and ended in any order, and nothing runs."""

import random
from collections.abc import Iterator
from typing import Any

from study.plan.making import make_plan
from study.plan.plan import Plan
from study.plan.request import Request
from study.search.assignment import Assignment
from study.search.search import StudySearch


def plan_of(trials: int = 5, replicates: int = 1, seeds: int = 2, seed: int = 0, **options: Any) -> Plan:
    return make_plan(
        Request(
            "lora_vs_qlora",
            replicates=replicates,
            trials=trials,
            confirm_seeds=seeds,
            seed=seed,
            **options,
        )
    )


def row_of(assignment: Assignment, status: str = "complete") -> dict[str, Any]:
    """A row whose score depends on the configuration alone."""
    config = assignment.config
    score = -abs((config.learning_rate or 0) - 0.004)
    return {
        "trial": config.trial_id,
        "status": status,
        "search_score": score if status == "complete" else None,
        "config_json": config.model_dump_json(),
        **config.model_dump(),
        **assignment.columns,
    }


def run(search: StudySearch, slots: int, order: random.Random, fail: str = "") -> Iterator[Assignment]:
    """Run a study without a machine: `slots` trials at once, ending in a random order."""
    running: list[Assignment] = []
    while True:
        while len(running) < slots and (assignment := search.next()) is not None:
            running.append(assignment)
            yield assignment
        if not running:
            assert search.exhausted
            return
        ended = running.pop(order.randrange(len(running)))
        failed = ended.arm.label == fail
        search.finish(ended.config.trial_id, row_of(ended, "failed" if failed else "complete"))


def ids(assignments: Iterator[Assignment]) -> list[str]:
    return sorted(assignment.config.trial_id for assignment in assignments)
