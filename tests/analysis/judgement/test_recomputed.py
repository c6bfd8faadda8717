"""A verdict's figures through `judge`, from a results folder, against code of another kind."""

import pytest
from statsmodels.stats.multitest import multipletests

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.reading.folders import open_studies
from tests.analysis.recomputed import p_by_root, read_points, variance_by_loops
from tests.analysis.simulated_replicates import Protocol, write_replicates
from tests.analysis.simulated_trials import SimulatedArm

ARMS = [
    SimulatedArm(accuracy=0.52, seed_sd=0.03),
    SimulatedArm(variant="socratic", accuracy=0.48, seed_sd=0.03),
    SimulatedArm("qlora", accuracy=0.45, seed_sd=0.03),
    SimulatedArm("qlora", "socratic", accuracy=0.44, seed_sd=0.03),
]
# What a 2 x 2 space asks for, written out.
ASKED = {
    ("lora main", "qlora main"): {"lora main": 1, "qlora main": -1},
    ("lora socratic", "qlora socratic"): {"lora socratic": 1, "qlora socratic": -1},
    ("lora main", "lora socratic"): {"lora main": 1, "lora socratic": -1},
    ("qlora main", "qlora socratic"): {"qlora main": 1, "qlora socratic": -1},
    ("lora", "qlora"): {"lora main": 0.5, "lora socratic": 0.5, "qlora main": -0.5, "qlora socratic": -0.5},
    ("main", "socratic"): {
        "lora main": 0.5,
        "qlora main": 0.5,
        "lora socratic": -0.5,
        "qlora socratic": -0.5,
    },
}


@pytest.mark.parametrize("seeds", [0, 2])
def test_planned_contrasts_are_those_of_plain_loops_scipy_and_statsmodels(tmp_path, seeds):
    write_replicates(tmp_path, ARMS, Protocol(5, 2, seeds), questions=120)
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    points = read_points(tmp_path)
    found = {frozenset((d.better, d.worse)): d for d in verdict.planned}
    terms = {
        frozenset(sides): [(points[arm], weight) for arm, weight in weights.items()]
        for sides, weights in ASKED.items()
    }
    assert set(found) == set(terms)
    p_values = [p_by_root(terms[sides]) for sides in found]
    for difference, sides, p in zip(found.values(), found, p_values, strict=True):
        mean, repeats, *_ = variance_by_loops(terms[sides])
        assert difference.estimate.mean == pytest.approx(abs(mean))
        assert difference.uncertainty.repeats == pytest.approx(repeats)
        assert difference.p == pytest.approx(p, rel=1e-6)
    corrected = multipletests(p_values, method="holm")[1]
    assert [d.p_holm for d in found.values()] == pytest.approx(list(corrected), rel=1e-6)
    # In points of accuracy, not in shares: a difference of arms that are right in half differs by several.
    assert max(d.estimate.mean for d in found.values()) > 1


def test_other_pairs_are_corrected_over_all_pairs(tmp_path):
    write_replicates(tmp_path, ARMS, Protocol(5, 2), questions=120)
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    points = read_points(tmp_path)
    names = sorted(points)
    pairs = [(a, b) for index, a in enumerate(names) for b in names[index + 1 :]]
    p_values = [p_by_root([(points[a], 1.0), (points[b], -1.0)]) for a, b in pairs]
    corrected = dict(zip(map(frozenset, pairs), multipletests(p_values, method="holm")[1], strict=True))
    assert len(verdict.exploratory) == 2
    for difference in verdict.exploratory:
        expected = corrected[frozenset((difference.better, difference.worse))]
        assert difference.p_holm == pytest.approx(expected, rel=1e-6)
