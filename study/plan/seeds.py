"""Seeds: every random choice of a study has its own, drawn from the study's by what it is for.

A seed is a hash of (the study's seed, the role, the replicate, a number), so that no two roles, no two
replicates and no two studies with neighbouring `--seed`s share one. The arm is not part of it: arms with the
same ranges get the same proposals, the same splits and the same order of the data (common random numbers).
"""

from __future__ import annotations

from typing import Literal

from study.config import digest

Role = Literal["split", "proposals", "search", "confirm", "baseline"]


def derive_seed(seed: int, role: Role, replicate: int = 0, number: int = 0) -> int:
    """Return the seed, from 0 to 2**31 - 1, of one role in one replicate of a study."""
    return int(digest([seed, role, replicate, number], 8), 16) % 2**31
