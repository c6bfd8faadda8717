import random

from study.search.search import HOPELESS_FAILURES, StudySearch
from tests.study.search.unrun_studies import ids, plan_of, row_of, run


def test_a_fault_of_every_trial_ends_the_search_after_a_few() -> None:
    search = StudySearch(plan_of(8), 1, {})
    tried = 0
    while (assignment := search.next()) is not None:
        floor = not assignment.config.entry.is_trained
        search.finish(assignment.config.trial_id, row_of(assignment, "complete" if floor else "failed"))
        tried += not floor
    assert tried == HOPELESS_FAILURES
    assert search.hopeless is not None
    assert search.exhausted


def test_an_arm_whose_first_training_is_under_way_is_waited_for() -> None:
    search = StudySearch(plan_of(8), 1, {})
    slow, failed = None, 0
    while failed < HOPELESS_FAILURES:
        assignment = search.next()
        assert assignment is not None
        if assignment.config.method == "lora" and slow is None:
            slow = assignment
            continue
        floor = not assignment.config.entry.is_trained
        search.finish(assignment.config.trial_id, row_of(assignment, "complete" if floor else "failed"))
        failed += not floor
    assert slow is not None
    assert search.hopeless is None
    search.finish(slow.config.trial_id, row_of(slow, "failed"))
    assert search.hopeless is not None


def test_a_resumed_study_of_which_one_arm_fails_goes_on() -> None:
    plan = plan_of(8)
    first = plan.compared[0].label
    search = StudySearch(plan, 1, {})
    rows = {}
    for assignment in run(search, 2, random.Random(0), fail=first):
        rows[assignment.config.trial_id] = row_of(
            assignment, "failed" if assignment.arm.label == first else "complete"
        )
    assert sum(row["status"] == "failed" for row in rows.values()) > HOPELESS_FAILURES
    left = list(rows)[-1]
    resumed = StudySearch(plan, 1, {trial: row for trial, row in rows.items() if trial != left})
    assert ids(run(resumed, 2, random.Random(0), fail=first)) == [left]


def test_failures_beside_a_training_that_finished_end_nothing() -> None:
    search = StudySearch(plan_of(8), 1, {})
    trained = 0
    while (assignment := search.next()) is not None:
        trained += assignment.config.entry.is_trained
        status = "complete" if trained == 1 or not assignment.config.entry.is_trained else "failed"
        search.finish(assignment.config.trial_id, row_of(assignment, status))
    assert search.hopeless is None
    assert trained > HOPELESS_FAILURES + 1
