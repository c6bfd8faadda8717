import itertools
import random
from typing import Any

import pytest

from study.search.search import StudySearch
from tests.study.search.unrun_studies import ids, plan_of, row_of, run


@pytest.mark.parametrize(("width", "replicates", "seeds"), [(1, 1, 2), (3, 1, 2), (1, 3, 0), (2, 2, 1)])
def test_one_seed_gives_one_study_whatever_the_timing(width: int, replicates: int, seeds: int) -> None:
    plan = plan_of(8, replicates, seeds)
    runs = [ids(run(StudySearch(plan, width, {}), 6, random.Random(i))) for i in range(5)]
    assert all(other == runs[0] for other in runs)
    other = plan_of(8, replicates, seeds, seed=1)
    assert not set(runs[0]) & set(ids(run(StudySearch(other, width, {}), 6, random.Random(0))))


def test_every_arm_gets_its_trials_each_once() -> None:
    plan = plan_of()
    assignments = list(run(StudySearch(plan, 1, {}), 2, random.Random(0)))
    assert len({a.config.trial_id for a in assignments}) == len(assignments) == plan.trials
    for arm in plan.arms:
        own = [a for a in assignments if a.arm is arm]
        assert sum(a.config.stage == "search" for a in own) == arm.search_trials
        assert len({a.config.seed for a in own if a.config.stage == "confirm"}) == arm.confirm_seeds


def test_the_arms_own_values_are_tried_first() -> None:
    for assignment in run(StudySearch(plan_of(), 1, {}), 1, random.Random(0)):
        if assignment.number == 0:
            own = {name: getattr(assignment.config, name) for name in assignment.arm.ranges}
            assert own == assignment.arm.guesses[0]


def test_the_confirm_stage_repeats_the_best_of_its_arm() -> None:
    assignments = list(run(StudySearch(plan_of(), 2, {}), 4, random.Random(0)))
    for arm in plan_of().compared:
        own = [a for a in assignments if a.arm.label == arm.label]
        searched = [a for a in own if a.config.stage == "search"]
        best = max(searched, key=lambda a: row_of(a)["search_score"])
        for confirm in (a for a in own if a.config.stage == "confirm"):
            assert confirm.config.learning_rate == best.config.learning_rate
            assert confirm.config.rank == best.config.rank


@pytest.mark.parametrize(("width", "replicates", "seeds"), [(1, 1, 2), (3, 1, 2), (1, 3, 0)])
@pytest.mark.parametrize("ended", [1, 13, 30])
def test_a_stopped_study_goes_on_where_it_stopped(
    width: int, replicates: int, seeds: int, ended: int
) -> None:
    plan = plan_of(8, replicates, seeds)
    whole = list(run(StudySearch(plan, width, {}), 6, random.Random(0)))
    finished = {a.config.trial_id: row_of(a) for a in random.Random(ended).sample(whole[: ended + 6], ended)}
    reused: list[str] = []
    search = StudySearch(plan, width, finished, on_reuse=lambda a, row: reused.append(row["trial"]))
    rest = list(run(search, 6, random.Random(7)))
    assert sorted(reused) == sorted(finished)
    assert ids(iter(whole)) == sorted(reused + [a.config.trial_id for a in rest])


def test_no_configuration_is_tried_twice() -> None:
    settings = {"learning_rate": 1e-3}  # leaves 5 ranks x 4 alphas
    plan = plan_of(trials=100, seeds=1, settings=settings)
    assignments = list(run(StudySearch(plan, 2, {}), 4, random.Random(0)))
    for arm in plan.compared:
        tried = [
            (a.config.rank, a.config.alpha) for a in assignments if a.arm is arm and a.number is not None
        ]
        assert len(set(tried)) == len(tried) == arm.search_trials == 20


def test_a_finished_study_runs_nothing() -> None:
    whole = list(run(StudySearch(plan_of(), 1, {}), 2, random.Random(0)))
    search = StudySearch(plan_of(), 1, {a.config.trial_id: row_of(a) for a in whole})
    assert search.next() is None
    assert search.exhausted


def test_an_arm_whose_trials_all_fail_ends_without_holding_up_the_others() -> None:
    search = StudySearch(plan_of(), 1, {})
    assignments = list(run(search, 2, random.Random(0), fail="qlora main"))
    failed = [a for a in assignments if a.arm.label == "qlora main"]
    assert {a.config.stage for a in failed} == {"search"}
    assert len(failed) == 5
    assert len(assignments) == plan_of().trials - 2
    assert +search.left_out == {("qlora main", "confirm"): 2}
    assert search.saved_by_looks == 0


def test_the_slots_stay_busy_across_arms_and_stages() -> None:
    """With as many searching arms as slots, no slot waits while another arm has work."""
    search = StudySearch(plan_of(), 1, {})
    running = [search.next() for _ in range(4)]
    assert None not in running
    assert len({a.arm.label for a in running if a}) == 4


def test_the_floors_fill_the_slots_at_the_end_and_the_untrained_model_comes_early() -> None:
    search = StudySearch(plan_of(2, replicates=5, seeds=0), 1, {})
    methods = [a.arm.method for a in run(search, slots=2, order=random.Random(0))]
    first = next(i for i, method in enumerate(methods) if method.is_floor)
    assert sum(method.is_floor for method in methods) == 8
    # What trains and comes later had to wait for the other slot.
    assert sum(not method.is_floor for method in methods[first:]) <= 2
    assert all(method.is_trained for method in methods[12:first])


def test_a_replicate_scores_the_model_that_its_own_search_found_best() -> None:
    assignments = list(run(StudySearch(plan_of(3, replicates=4, seeds=0), 1, {}), 4, random.Random(0)))
    for arm in plan_of().compared:
        for replicate in range(4):
            own = [a for a in assignments if (a.arm.label, a.replicate) == (arm.label, replicate)]
            searched = [a for a in own if a.number is not None]
            assert len({(a.config.seed, a.config.split_seed) for a in searched}) == 1
            best = max(searched, key=lambda a: row_of(a)["search_score"]).config
            (scoring,) = [a.config for a in own if a.number is None]
            assert scoring == best.model_copy(update={"stage": "confirm", "trained_by": best.trial_id})


def test_no_two_replicates_share_a_seed_a_split_or_a_proposal() -> None:
    assignments = list(run(StudySearch(plan_of(3, replicates=4, seeds=0), 1, {}), 4, random.Random(0)))
    own = [a for a in assignments if a.arm.label == "lora main" and a.number is not None]
    assert len({a.config.seed for a in own}) == len({a.config.split_seed for a in own}) == 4
    assert len({a.config.learning_rate for a in own if a.origin == "random"}) == 8


def test_arms_with_equal_ranges_get_equal_proposals() -> None:
    """As far as these hang on no result: here TPE has seen too few to act."""
    assignments = list(run(StudySearch(plan_of(3, replicates=2, seeds=0), 1, {}), 4, random.Random(0)))
    proposed: dict[str, set[Any]] = {}
    for a in assignments:
        if a.number is not None:
            config = a.config
            hyperparameters = (
                config.rank,
                config.alpha,
                config.learning_rate,
                config.seed,
                config.split_seed,
            )
            proposed.setdefault(a.arm.label, set()).add((a.replicate, a.number, hyperparameters))
    first, *others = proposed.values()
    assert len(first) == 6
    assert all(other == first for other in others)
    assert len(others) == 3


def test_a_longer_study_begins_with_the_trials_of_a_shorter_one() -> None:
    short, long = (
        ids(run(StudySearch(plan_of(2, replicates=r, seeds=0), 1, {}), 3, random.Random(r))) for r in (2, 5)
    )
    assert set(short) < set(long)


def test_replicates_are_finished_one_after_another_as_far_as_slots_allow() -> None:
    assignments = list(run(StudySearch(plan_of(2, replicates=6, seeds=0), 1, {}), 2, random.Random(0)))
    trained = [a.replicate for a in assignments if not a.arm.is_baseline]
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(trained))
