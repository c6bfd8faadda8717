"""The whole protocol, simulated: how often a study of equal recipes errs, and what it sees of unequal ones.

    python -m benchmarks.protocol                     # 2,000 studies a setting: about 20 minutes of one core
    python -m benchmarks.protocol --studies 500       # fewer
    python -m benchmarks.protocol --only looks        # one part

Each study searches (benchmarks/searched_studies.py says on which surfaces and how), scores what it found on
test, and is judged by the project's own analysis (benchmarks/protocol_rates.py; where the primary score is
no share: benchmarks/other_scores.py). A rate of 5% has a standard error of half a point. The figures go to
benchmarks/results/protocol.json, from which the README and `analysis` quote them; the choice of the
profiles' replicates and trials rests on them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.statistics.sequential import LookPlan, split_alpha
from benchmarks.origin import command_of, describe_origin
from benchmarks.other_scores import SCORES, measure_score_family, measure_score_pair
from benchmarks.protocol_rates import (
    Figures,
    measure_extension,
    measure_family,
    measure_looks,
    measure_pair,
    measure_resolution,
)
from benchmarks.searched_studies import SURFACES, Design, Surface
from study.machine.hardware import source_commit

RESULT = Path(__file__).parent / "results" / "protocol.json"
STUDIES = 2_000
# How much seeds differ, in logits: by about one point, and by 1.6 as the embedded study's do.
ONE_POINT, EMBEDDED_SEEDS = 0.07, 0.11

EMBEDDED = Design("embedded", 5, 2, 0, 150, 500, EMBEDDED_SEEDS)
PAPER = Design("paper", 7, 2, 0, 500, 1319, ONE_POINT)
DEFAULTS = (EMBEDDED, PAPER)
# About as many trainings an arm as the paper profile's, or 24.
CANDIDATES = (
    replace(PAPER, name="5 x 3", replicates=5, trials=3),
    replace(PAPER, name="8 x 2", replicates=8),
    replace(PAPER, name="12 x 2", replicates=12),
    replace(PAPER, name="8 x (2 + 1 new training)", replicates=8, fresh_seeds=1),
    replace(EMBEDDED, name="embedded, 3 x 2", replicates=3),
)
LONG_SEARCHES = (replace(PAPER, name="6 x 4", replicates=6, trials=4),)
ONE_SEARCH = replace(PAPER, name="one search of 10, 5 seeds", replicates=1, trials=10, fresh_seeds=5)
LOOKS = ((EMBEDDED, (3, 6, 12)), (PAPER, (3, 6, 12)), (EMBEDDED, (5, 8)), (PAPER, (4, 7)))
GRID = ((3, 5, 8, 12), (150, 500, 1319), (0.5, 1.0, 2.0, 3.0), (1, 6, 20))

Result = Iterator[dict[str, Any]]


def measure_pairs(studies: int) -> Result:
    """Yield the rates of a planned pair under the defaults and under other protocols."""
    for design in (*DEFAULTS, *CANDIDATES):
        for surface in SURFACES:
            yield _row("pairs", design, surface, measure_pair, (surface, surface), studies=studies)


def measure_other_arms(studies: int) -> Result:
    """Yield those of the defaults where the arms' surfaces differ, and where few answers are right."""
    steep, _, flat = SURFACES
    named = replace(steep, name="steep against flat")
    for design in DEFAULTS:
        yield _row("other arms", design, named, measure_pair, (steep, flat), studies=studies)
        for surface in (steep, flat):
            low = replace(surface, name=f"{surface.name}, best 5%", best=0.05)
            yield _row("other arms", design, low, measure_pair, (low, low), studies=studies)


def measure_long_searches(studies: int) -> Result:
    """Yield the rates where TPE proposes, one by one: this part takes a third of the time.

    The single search is the protocol before there were replicates: each arm had proposals of its own.
    """
    for surface in SURFACES:
        for design in LONG_SEARCHES:
            both = (surface, surface)
            yield _row("long searches", design, surface, measure_pair, both, studies=studies)
        own = replace(surface, name=f"{surface.name}, own proposals")
        both = (surface, own)
        yield _row("long searches", ONE_SEARCH, own, measure_pair, both, studies=studies)


def measure_families(studies: int) -> Result:
    """Yield the rates of the planned contrasts of two factors with two levels."""
    for design in DEFAULTS:
        for surface in SURFACES:
            yield _row("families", design, surface, measure_family, surface, studies=studies)


def measure_all_looks(studies: int) -> Result:
    """Yield the rates of planned looks: two arms, and eight with all pairs planned."""
    for base, counts in LOOKS:
        plan, design = LookPlan(counts, split_alpha(len(counts))), replace(base, replicates=counts[-1])
        for surface in SURFACES:
            row = _row("looks", design, surface, measure_looks, surface, plan, 2, studies=studies)
            yield {"looks": list(counts), "arms": 2, **row}
    base, counts = LOOKS[0]
    plan, design = LookPlan(counts, split_alpha(len(counts))), replace(base, replicates=counts[-1])
    for surface in (SURFACES[0], SURFACES[-1]):
        row = _row("looks", design, surface, measure_looks, surface, plan, 8, studies=studies)
        yield {"looks": list(counts), "arms": 8, **row}


def measure_extensions(studies: int) -> Result:
    """Yield the rates of a study that is extended because of what it showed."""
    for base in DEFAULTS:
        design = replace(base, replicates=12)
        for surface in SURFACES:
            yield _row("extensions", design, surface, measure_extension, surface, studies=studies)


def measure_other_scores(studies: int) -> Result:
    """Yield the rates of a planned pair and of a family under the defaults for scores that are no shares."""
    for design, score, surface in itertools.product(DEFAULTS, SCORES, SURFACES):
        for part, measure in (("scores", measure_score_pair), ("families", measure_score_family)):
            row = _row(f"other {part}", design, surface, measure, score, surface, studies=studies)
            yield {"score": score.name, **row}


def measure_resolutions(studies: int) -> Result:
    """Yield the power at the least difference that is announced before a study."""
    for repeats, questions, spread, contrasts in itertools.product(*GRID):
        setting = (questions, repeats, spread, contrasts)
        names = ("questions", "repeats", "spread_points", "contrasts")
        figures = measure_resolution(
            *setting, studies, np.random.default_rng(zlib.crc32(repr(setting).encode()))
        )
        yield dict(zip(names, setting, strict=True)) | _rounded(figures)


PARTS: dict[str, Callable[[int], Result]] = {
    "pairs": measure_pairs,
    "families": measure_families,
    "looks": measure_all_looks,
    "extensions": measure_extensions,
    "other arms": measure_other_arms,
    "other scores": measure_other_scores,
    "resolution": measure_resolutions,
    "long searches": measure_long_searches,
}


def _row(
    part: str, design: Design, surface: Surface, measure: Callable[..., Figures], *what: Any, studies: int
) -> dict[str, Any]:
    """Measure a setting with random numbers of its own; return its row."""
    key = f"{part} {design} {what}"
    figures = measure(design, *what, studies, np.random.default_rng(zlib.crc32(key.encode())))
    about = {"design": design.name, "trainings": design.trainings, "surface": surface.name}
    return {**about, "studies": studies, **_rounded(figures)}


def _rounded(figures: Figures) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def measure_part(part: str, studies: int) -> dict[str, Any]:
    """Measure a part's settings, print each as it is done, and return what goes into the file."""
    started, rows = time.perf_counter(), []
    for row in PARTS[part](studies):
        print(json.dumps(row), flush=True)
        rows.append(row)
    seconds = round(time.perf_counter() - started)
    return {"commit": source_commit(), "seconds": seconds, "studies_a_setting": studies, "settings": rows}


def main() -> None:
    """Measure all parts or one; put the figures into the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=STUDIES, help="studies a setting")
    parser.add_argument("--only", choices=PARTS, help="one part; the others' figures stay in the file")
    options = parser.parse_args()
    before = json.loads(RESULT.read_text(encoding="utf-8")) if options.only and RESULT.exists() else {}
    found = before.pop("parts", {})
    described = _describe(sys.argv[1:])
    for part in [options.only] if options.only else PARTS:
        found[part] = measure_part(part, options.studies)
        if before:
            # The others are of the command and the machine that the file names.
            found[part] |= {name: described[name] for name in ("command", "date", "machine")}
        ordered = {name: found[name] for name in PARTS if name in found}
        RESULT.write_text(_lay_out({**(before or described), "parts": ordered}), encoding="utf-8")


def _lay_out(result: dict[str, Any]) -> str:
    """Return the file's text, a setting a line."""
    text = re.sub(r"\n {5,}", " ", json.dumps(result, indent=1))
    return re.sub(r"\n {4}\}", " }", text) + "\n"


def _describe(arguments: Sequence[str]) -> dict[str, Any]:
    designs = (*DEFAULTS, *CANDIDATES, *LONG_SEARCHES, ONE_SEARCH)
    return {
        **describe_origin(command_of("protocol", arguments), cpus=1),
        "surfaces": [
            {**asdict(surface), "sd_points_over_configurations": round(surface.spread_points, 1)}
            for surface in SURFACES
        ],
        "designs": [asdict(design) for design in designs],
    }


if __name__ == "__main__":
    main()
