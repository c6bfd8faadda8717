import pytest

from study.errors import UserError
from study.slots import Machine, Placement, Slots, choose_slots


@pytest.mark.parametrize(
    ("machine", "placement", "trials", "slots"),
    [
        (Machine(2, 0), Placement(), 30, Slots(2, 1, 0.0)),
        (Machine(8, 0), Placement(cpus_per_trial=3), 30, Slots(2, 3, 0.0)),
        (Machine(64, 0), Placement(), 5, Slots(5, 1, 0.0)),
        (Machine(16, 4), Placement(), 30, Slots(4, 4, 1.0)),
        (Machine(16, 1), Placement(gpus_per_trial=0.25), 30, Slots(4, 4, 0.25)),
        (Machine(16, 1), Placement(gpus_per_trial=0.1), 30, Slots(10, 1, 0.1)),
        (Machine(16, 4), Placement(gpus_per_trial=2), 30, Slots(2, 8, 2.0)),
        (Machine(4, 2), Placement(gpus_per_trial=0), 30, Slots(4, 1, 0.0)),
        (Machine(2, 1), Placement(gpus_per_trial=0.1), 30, Slots(2, 1, 0.1)),
    ],
)
def test_slots_fill_the_machine(machine: Machine, placement: Placement, trials: int, slots: Slots) -> None:
    assert choose_slots(machine, placement, trials) == slots


@pytest.mark.parametrize(
    ("machine", "placement", "reason"),
    [
        (Machine(2, 0), Placement(gpus_per_trial=1), "has no GPU"),
        (Machine(2, 1), Placement(gpus_per_trial=2), "at most 1"),
        (Machine(2, 4), Placement(gpus_per_trial=1.5), "a share of one GPU or a whole number"),
        (Machine(2, 1), Placement(gpus_per_trial=-1), "not be negative"),
        (Machine(2, 0), Placement(cpus_per_trial=3), "1 to 2"),
        (Machine(2, 0), Placement(cpus_per_trial=0), "1 to 2"),
    ],
)
def test_what_the_machine_has_not_is_refused(machine: Machine, placement: Placement, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        choose_slots(machine, placement, trials=30)
