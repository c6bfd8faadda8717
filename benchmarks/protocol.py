"""The whole protocol, simulated: how often a study of equal recipes errs, and what it sees of unequal ones.

    python -m benchmarks.protocol                     # 2,000 studies a setting: about 20 minutes on one core
    python -m benchmarks.protocol --studies 500       # fewer
    python -m benchmarks.protocol --only looks        # one part, printed and not saved

Each study searches (benchmarks/searched_studies.py says on which surfaces and how), scores what it found on
test, and is judged by the project's own analysis (benchmarks/protocol_rates.py). A rate of 5% has a standard
error of half a point. The figures go to benchmarks/results/protocol.json, from which the README and `analysis`
quote them; the choice of the profiles' replicates and trials rests on them.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.looks import LookPlan, split_alpha
from benchmarks.protocol_rates import (
    Figures,
    measure_extension,
    measure_family,
    measure_looks,
    measure_pair,
)
from benchmarks.searched_studies import SURFACES, Design, Surface
from study.machine import processor_name, source_commit

RESULT = Path(__file__).parent / "results" / "protocol.json"
STUDIES = 2_000
# Searches by TPE are Optuna's, one by one.
ONE_POINT, EMBEDDED_SEEDS = 0.07, 0.11  # logits; the embedded study's seeds differ by 1.6 points

EMBEDDED = Design("embedded", 5, 2, 0, 150, 500, EMBEDDED_SEEDS)
PAPER = Design("paper", 7, 2, 0, 500, 1319, ONE_POINT)
DEFAULTS = (EMBEDDED, PAPER)
CANDIDATES = (
    replace(PAPER, name="5 x 3", replicates=5, trials=3),
    replace(PAPER, name="8 x 2", replicates=8),
    replace(PAPER, name="5 x (2 + 1 new training)", replicates=5, fresh_seeds=1),
    replace(PAPER, name="12 x 2", replicates=12),
    replace(PAPER, name="8 x (2 + 1 new training)", replicates=8, fresh_seeds=1),
    replace(PAPER, name="6 x 4", replicates=6, trials=4),
    replace(EMBEDDED, name="embedded, 3 x 2", replicates=3),
)
ONE_SEARCH = replace(PAPER, name="one search of 10, 5 seeds", replicates=1, trials=10, fresh_seeds=5)
LOOKS = ((3, 6, 12), (5, 8), (4, 7), (3, 5))

Result = Iterator[dict[str, Any]]


def measure_pairs(studies: int) -> Result:
    """Yield the rates of a planned pair: the defaults, other protocols, and other kinds of arms."""
    for design in (*DEFAULTS, *CANDIDATES):
        for surface in SURFACES:
            yield _row("pairs", design, surface, measure_pair, (surface, surface), studies=studies)
    # Before replicates, arms had proposals of their own.
    for surface in SURFACES:
        own = replace(surface, name=f"{surface.name}, own proposals")
        yield _row("pairs", ONE_SEARCH, own, measure_pair, (surface, own), studies=studies)
    steep, moderate, flat = SURFACES
    for design in DEFAULTS:
        for other in (moderate, flat):
            named = replace(steep, name=f"steep against {other.name}")
            yield _row("pairs", design, named, measure_pair, (steep, other), studies=studies)
        for surface in SURFACES:
            low = replace(surface, name=f"{surface.name}, best 5%", best=0.05)
            yield _row("pairs", design, low, measure_pair, (low, low), studies=studies)


def measure_families(studies: int) -> Result:
    """Yield the rates of the planned contrasts of two factors with two levels."""
    for design in DEFAULTS:
        for surface in SURFACES:
            yield _row("families", design, surface, measure_family, surface, studies=studies)


def measure_all_looks(studies: int) -> Result:
    """Yield the rates of planned looks: two arms, and eight with all pairs planned."""
    for base in DEFAULTS:
        for counts in LOOKS:
            plan, design = LookPlan(counts, split_alpha(len(counts))), replace(base, replicates=counts[-1])
            for surface in SURFACES:
                for arms in (2, 8) if counts == LOOKS[0] and base is EMBEDDED else (2,):
                    row = _row("looks", design, surface, measure_looks, surface, plan, arms, studies=studies)
                    yield {"looks": str(plan), "arms": arms, **row}


def measure_extensions(studies: int) -> Result:
    """Yield the rates of a study that is extended because of what it showed."""
    for base in DEFAULTS:
        design = replace(base, replicates=12)
        for surface in SURFACES:
            yield _row("extensions", design, surface, measure_extension, surface, studies=studies)


PARTS: dict[str, Callable[[int], Result]] = {
    "pairs": measure_pairs,
    "families": measure_families,
    "looks": measure_all_looks,
    "extensions": measure_extensions,
}


def _row(
    part: str, design: Design, surface: Surface, measure: Callable[..., Figures], *what: Any, studies: int
) -> dict[str, Any]:
    """Measure a setting with random numbers of its own; return its row."""
    key = f"{part} {design} {what}"
    figures = measure(design, *what, studies, np.random.default_rng(zlib.crc32(key.encode())))
    rounded = {name: round(value, 3) for name, value in figures.items()}
    return {"design": design.name, "trainings": design.trainings, "surface": surface.name, **rounded}


def measure_part(part: str, studies: int) -> list[dict[str, Any]]:
    """Measure a part's settings and print each as it is done."""
    rows = []
    for row in PARTS[part](studies):
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Measure all parts or one, print the figures and save those of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies a setting")
    parser.add_argument("--only", choices=PARTS, help="print one part")
    options = parser.parse_args()
    if options.only:
        measure_part(options.only, options.studies)
        return
    started = time.perf_counter()
    parts = {part: measure_part(part, options.studies) for part in PARTS}
    seconds = time.perf_counter() - started
    RESULT.write_text(json.dumps(_describe(options.studies, seconds) | parts, indent=1) + "\n")


def _describe(studies: int, seconds: float) -> dict[str, Any]:
    designs = (*DEFAULTS, *CANDIDATES, ONE_SEARCH)
    return {
        "command": "python -m benchmarks.protocol" + (f" --studies {studies}" if studies != STUDIES else ""),
        "commit": source_commit(),
        "machine": {"processor": processor_name(), "cores_used": 1, "python": platform.python_version()},
        "seconds": round(seconds),
        "studies_a_setting": studies,
        "surfaces": [
            {**asdict(surface), "sd_points_over_configurations": round(surface.spread_points, 1)}
            for surface in SURFACES
        ],
        "designs": [asdict(design) for design in designs],
    }


if __name__ == "__main__":
    main()
