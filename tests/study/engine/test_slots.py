import pytest

from study.engine.slots import (
    Machine,
    Placement,
    Slots,
    choose_slots,
    share_of_a_gpu,
    trials_on_a_gpu,
)
from study.errors import UserError


@pytest.mark.parametrize(
    ("machine", "placement", "trials", "slots"),
    [
        (Machine(2, 0), Placement(), 30, Slots(2, 1, 0.0)),
        (Machine(8, 0), Placement(cpus_per_trial=3), 30, Slots(2, 3, 0.0)),
        (Machine(64, 0), Placement(), 5, Slots(5, 1, 0.0)),
        (Machine(16, 4), Placement(), 30, Slots(4, 4, 1.0)),
        (Machine(16, 1), Placement(gpus_per_trial=0.25), 30, Slots(4, 4, 0.25)),
        (Machine(16, 1), Placement(gpus_per_trial=0.1), 30, Slots(10, 1, 0.1)),
        (Machine(4, 2), Placement(gpus_per_trial=0), 30, Slots(4, 1, 0.0)),
        (Machine(2, 1), Placement(gpus_per_trial=0.1), 30, Slots(2, 1, 0.1)),
        (Machine(64, 0), Placement(at_most=3), 30, Slots(3, 1, 0.0, capped=True)),
        (Machine(2, 0), Placement(at_most=3), 30, Slots(2, 1, 0.0)),
    ],
)
def test_slots_fill_the_machine(machine: Machine, placement: Placement, trials: int, slots: Slots) -> None:
    assert choose_slots([machine], placement, trials) == slots


@pytest.mark.parametrize(
    ("machine", "placement", "reason"),
    [
        (Machine(2, 0), Placement(gpus_per_trial=1), "has no GPU"),
        (Machine(2, 1), Placement(gpus_per_trial=2), "at most 1"),
        (Machine(16, 4), Placement(gpus_per_trial=2), "model lies on one GPU, received 2"),
        (Machine(2, 4), Placement(gpus_per_trial=1.5), "at most 1"),
        (Machine(2, 1), Placement(gpus_per_trial=-1), "not be negative"),
        (Machine(2, 0), Placement(cpus_per_trial=3), "1 to 2"),
        (Machine(2, 0), Placement(cpus_per_trial=0), "1 to 2"),
        (Machine(2, 0), Placement(at_most=0), "--max-concurrent must be at least 1, received 0"),
    ],
)
def test_what_the_machine_has_not_is_refused(machine: Machine, placement: Placement, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        choose_slots([machine], placement, trials=30)


HEAD = Machine(0, 0)


@pytest.mark.parametrize(
    ("machines", "placement", "slots"),
    [
        ([HEAD, Machine(4, 0), Machine(7, 0)], Placement(cpus_per_trial=3), Slots(3, 3, 0.0)),
        ([HEAD, Machine(8, 1), Machine(8, 1)], Placement(), Slots(2, 8, 1.0)),
        ([Machine(16, 0), Machine(8, 1), Machine(48, 4)], Placement(), Slots(5, 8, 1.0)),
        ([Machine(8, 1), Machine(8, 1)], Placement(gpus_per_trial=0.5), Slots(4, 4, 0.5)),
        ([Machine(96, 8)] * 4, Placement(at_most=2), Slots(2, 48, 1.0, capped=True)),
    ],
)
def test_a_trial_runs_on_one_machine_of_a_cluster(
    machines: list[Machine], placement: Placement, slots: Slots
) -> None:
    assert choose_slots(machines, placement, trials=30) == slots


@pytest.mark.parametrize(
    ("machines", "placement", "reason"),
    [
        ([HEAD], Placement(), "too few CPUs on the cluster: a trial needs 1, and no machine there has it"),
        ([HEAD, Machine(0, 2)], Placement(), "too few CPUs on the cluster: a trial needs 1 beside 1 GPU"),
        ([Machine(4, 0), Machine(8, 0)], Placement(cpus_per_trial=9), "1 to 8 on the cluster, received 9"),
        ([Machine(16, 0), Machine(4, 1)], Placement(cpus_per_trial=8), "1 to 4 on the cluster, received 8"),
        ([Machine(4, 0)], Placement(gpus_per_trial=1), "the cluster has no GPU"),
        ([Machine(8, 1), Machine(8, 1)], Placement(gpus_per_trial=2), "at most 1, .* received 2"),
    ],
)
def test_a_cluster_without_room_for_one_trial_is_refused(
    machines: list[Machine], placement: Placement, reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        choose_slots(machines, placement, trials=30, where="the cluster")


@pytest.mark.parametrize(
    ("trial", "gpu", "cpus", "count"),
    [
        (1.9e9, 80e9, 16, 8),
        (1.9e9, 80e9, 4, 4),
        (20e9, 80e9, 16, 3),
        (75e9, 80e9, 16, 1),
        (90e9, 80e9, 16, 1),
    ],
    ids=["eight at most", "a CPU each", "nine tenths of the memory", "one that fits", "one that does not"],
)
def test_trials_share_a_gpu_by_its_memory_and_the_cpus(
    trial: float, gpu: float, cpus: int, count: int
) -> None:
    assert trials_on_a_gpu(trial, gpu, cpus) == count


@pytest.mark.parametrize("trials", range(1, 9))
def test_the_share_that_is_told_lets_so_many_trials_share_a_gpu(trials: int) -> None:
    share = float(f"{share_of_a_gpu(trials):g}")  # as it is printed, and typed again
    assert choose_slots([Machine(cpus=16, gpus=1)], Placement(gpus_per_trial=share), 100).count == trials
