import random
from typing import Any

from study.search.assignment import Assignment
from study.search.search import StudySearch
from tests.study.search.unrun_studies import ids, plan_of, row_of, run

LOOKS: dict[str, Any] = {"trials": 2, "seeds": 0, "looks": (2, 4, 6)}


def test_a_look_is_taken_once_every_earlier_replicate_has_ended_and_before_any_later_one() -> None:
    plan = plan_of(replicates=6, **LOOKS)
    handed_out: list[Assignment] = []
    seen: list[tuple[int, int]] = []

    def look(replicates: int) -> list[str]:
        seen.append((replicates, max(a.replicate for a in handed_out)))
        return []

    for assignment in run(StudySearch(plan, 1, {}, take_look=look), 5, random.Random(0)):
        handed_out.append(assignment)
    assert seen == [(2, 1), (4, 3), (6, 5)]
    assert len(handed_out) == plan.trials


def test_an_arm_that_a_look_stops_gets_no_further_replicate() -> None:
    plan = plan_of(replicates=6, **LOOKS)
    search = StudySearch(plan, 1, {}, take_look=lambda n: ["lora main"] if n == 2 else [])
    assignments = list(run(search, 5, random.Random(0)))
    last = {arm.label: max(a.replicate for a in assignments if a.arm is arm) for arm in plan.compared}
    assert last.pop("lora main") == 1
    assert set(last.values()) == {5}
    assert search.saved_by_looks == search.left_out.total() == 4 * 3
    assert search.left_out["lora main", "search"] == 4 * 2
    assert len(assignments) == plan.trials - 4 * 3


def test_a_settled_study_ends_at_its_look() -> None:
    plan = plan_of(replicates=6, **LOOKS)
    looks: list[int] = []
    search = StudySearch(plan, 1, {}, take_look=lambda n: looks.append(n))
    assignments = list(run(search, 5, random.Random(0)))
    assert looks == [2]
    assert max(a.replicate for a in assignments) == 1


def test_a_resumed_study_takes_its_looks_again() -> None:
    plan = plan_of(replicates=6, **LOOKS)

    def stop(replicates: int) -> list[str]:
        return ["lora main"] if replicates == 4 else []

    whole = list(run(StudySearch(plan, 1, {}, take_look=stop), 5, random.Random(0)))
    finished = {a.config.trial_id: row_of(a) for a in whole[:60]}
    rest = list(run(StudySearch(plan, 1, finished, take_look=stop), 5, random.Random(3)))
    assert sorted([*finished, *(a.config.trial_id for a in rest)]) == ids(iter(whole))
