"""Many simulated studies in memory: questions differ in difficulty, repeats in skill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit


@dataclass(frozen=True)
class LogitStudies:
    """Many studies in memory: right answers where questions differ in difficulty and seeds in skill.

    Attributes:
        accuracy: the truth, over all questions and seeds.
        difficulty: standard deviation of the questions' difficulty, in logits; `seed_sd` of the seeds' skill.
    """

    accuracy: float
    difficulty: float
    seed_sd: float

    @cached_property
    def _skill(self) -> float:
        # The mean of the logistic function over a normal spread, solved for the accuracy.
        points, weights = np.polynomial.hermite_e.hermegauss(100)
        spread = np.hypot(self.difficulty, self.seed_sd)

        def excess(skill: float) -> float:
            return float(weights @ expit(skill + spread * points) / weights.sum()) - self.accuracy

        return float(brentq(excess, -30, 30))

    def draw(
        self, generator: np.random.Generator, studies: int, seeds: int, questions: int
    ) -> Iterator[np.ndarray]:
        """Yield for each study a seeds x questions matrix of zeros and ones."""
        for (hits,) in self.draw_pairs(generator, studies, seeds, questions, arms=1):
            yield hits

    def draw_pairs(
        self, generator: np.random.Generator, studies: int, seeds: int, questions: int, arms: int = 2
    ) -> Iterator[np.ndarray]:
        """Yield for each study an arms x seeds x questions array: equal arms, the same questions."""
        block = max(1, 1_000_000 // (arms * seeds * questions))
        for start in range(0, studies, block):
            count = min(block, studies - start)
            ability = generator.normal(self._skill, self.difficulty, (count, 1, 1, questions))
            ability = ability + generator.normal(0, self.seed_sd, (count, arms, seeds, 1))
            yield from (generator.random(ability.shape) < expit(ability)).astype(float)
