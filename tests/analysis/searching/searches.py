"""Searches that end as the tests of this room want them: with given scores, or stopped early."""

from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

PRUNED = {"status": "pruned", "train_steps": 50, "planned_steps": 200, "train_seconds": 10.0}


def write_search(path, scores):
    write_study(path, [SimulatedArm()], questions=5)
    for number, (rate, rank, score) in enumerate(scores):
        columns = {"stage": "search", "search_number": number, "learning_rate": rate, "rank": rank}
        write_row(path, trial_row(SimulatedArm(), 100 + number, **columns, accuracy=score))


def write_pruned(path, number, learning_rate=1e-1):
    columns = {"stage": "search", "search_number": number, "learning_rate": learning_rate, **PRUNED}
    write_row(path, trial_row(SimulatedArm(), 200 + number, **columns, accuracy=None))
