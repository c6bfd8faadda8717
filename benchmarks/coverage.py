"""How often the formulas of an interval and of a difference hold, for given configurations.

    python -m benchmarks.coverage         # 1,600 studies for each of 144 settings: minutes
    python -m benchmarks.coverage 200     # fewer studies

Where repeats and questions are crossed random effects, as `analysis.statistics.intervals` assumes: does the
95% interval of a mean cover it, and how often are equal arms called different? Nothing is searched: a repeat
is a seed of a given configuration. That whole studies, searches included, keep to 5% is for
`benchmarks.protocol` to say. This one goes further out: 2 to 90% right, 2 repeats, repeats that don't differ
at all or by ten points.

A setting is the number of seeds and of questions, the true accuracy, and the spread of the questions'
difficulty and of the seeds' skill (tests/analysis/logit_studies.py). The shares, the least and the most over
the settings of each number of seeds, go to benchmarks/results/coverage.json.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from analysis.statistics.differences import ALPHA, Answers, compare_pair
from analysis.statistics.intervals import share_interval
from benchmarks.origin import command_of, describe_origin
from tests.analysis.logit_studies import LogitStudies

RESULT = Path(__file__).parent / "results" / "coverage.json"
STUDIES = 1_600
SEEDS, QUESTIONS = (2, 3, 5), (100, 500)
ACCURACIES, DIFFICULTIES, SEED_SDS = (0.02, 0.1, 0.5, 0.9), (1.0, 3.0), (0.0, 0.15, 0.5)
# Of which at least so many right and wrong answers are expected a seed: below it no rule is exact.
FEW = 20


def measure(setting: tuple[int, int, float, float, float], studies: int) -> tuple[float, float]:
    """Return the share of intervals that hold the truth, and that of equal pairs with p below 5%."""
    seeds, questions, accuracy, difficulty, seed_sd = setting
    covered = different = 0
    simulated = LogitStudies(accuracy, difficulty, seed_sd)
    for first, second in simulated.draw_pairs(np.random.default_rng(5), studies, seeds, questions):
        interval = share_interval(first)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= accuracy <= interval.high
        p = compare_pair(Answers("first", first), Answers("second", second)).p
        different += p is not None and p < ALPHA
    return covered / studies, different / studies


def main(arguments: list[str]) -> None:
    """Measure every setting, print and save what each number of seeds comes to."""
    studies = int(arguments[0]) if arguments else STUDIES
    grid = list(itertools.product(SEEDS, QUESTIONS, ACCURACIES, DIFFICULTIES, SEED_SDS))
    shares = {setting: measure(setting, studies) for setting in grid}
    result: dict[str, Any] = {
        **describe_origin(command_of("coverage", arguments), cpus=1),
        "studies_a_setting": studies,
        "settings": len(grid),
    }
    for seeds in SEEDS:
        own = {setting: share for setting, share in shares.items() if setting[0] == seeds}
        many = [
            share for setting, share in own.items() if min(setting[2], 1 - setting[2]) * setting[1] >= FEW
        ]
        result[f"{seeds} seeds"] = {
            "covered": _range(covered for covered, _ in own.values()),
            f"covered_where_{FEW}_right_and_wrong_are_expected": _range(covered for covered, _ in many),
            "equal_arms_called_different": _range(different for _, different in own.values()),
        }
    print(json.dumps(result, indent=2))
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _range(shares: Any) -> list[float]:
    found = sorted(shares)
    return [round(float(found[0]), 3), round(float(found[-1]), 3)]


if __name__ == "__main__":
    main(sys.argv[1:])
