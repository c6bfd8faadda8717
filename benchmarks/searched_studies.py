"""Simulated studies with their searches: arms are searched, what was found is scored on test questions.

**The surface.** The log-odds of a right answer on a question of difficulty d (normal, the same for all arms)
are skill + d. The skill of a configuration falls off on both sides of the best learning rate, which depends
on alpha / rank, and with ranks below 32:

    skill = top - 1.5 c (x - x_best)^2 + k min(log2 rank - 5, 0),    x = log10 lr + 0.5 log10(alpha / rank)

`top` is such that the best configuration answers 30% of all questions (or what the surface says). Each
training adds a normal seed effect.

**The search.** As the study does it: the profile's guess first, then random proposals, after three of them
Optuna's TPE (`study.search.proposals`); each replicate with validation questions of its own, which its arms
share; the best by right answers, ties by the lower loss. Arms with one surface have equal ranges, hence
equal proposals.

An arm is made better by a shift of what its searches found: a shift of the whole surface leaves the order of
its configurations, and so what a search finds, as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import optuna
from scipy.optimize import brentq
from scipy.special import expit

from study.methods.table import METHODS

DIFFICULTY_SD = 2.0  # logits
BEST_RATE = -2.1  # x_best
# Random numbers that are drawn at once.
BLOCK = 4_000_000

# The space that is searched, and what is tried first: the embedded profile's, from which the steep surface
# was shaped. Shifting all rates, as the paper profile's are, would shift the surface's peak with them.
_KNOWN = METHODS["lora"].scales["embedded"].ranges
RANGES = {name: _KNOWN[name] for name in ("rank", "alpha", "learning_rate")}
GUESS = {"rank": 8, "alpha": 32, "learning_rate": 6e-3}


@dataclass(frozen=True)
class Surface:
    """How skill depends on the configuration: `curvature` is c, `rank_gain` k."""

    name: str
    curvature: float
    rank_gain: float
    best: float = 0.30

    def skill(self, rate: np.ndarray, rank: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """Return the skill of configurations, in logits."""
        x = np.log10(rate) + 0.5 * np.log10(alpha / rank)
        lost = 1.5 * self.curvature * (x - BEST_RATE) ** 2
        top = float(np.interp(self.best, _SHARES, _SKILLS))
        return top - lost + self.rank_gain * np.minimum(np.log2(rank) - 5, 0)

    def propose(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return the skills of random proposals; the last axis counts a search's trials, the guess first."""
        span = RANGES["learning_rate"]
        rate = np.exp(generator.uniform(math.log(span.low), math.log(span.high), shape))
        rank, alpha = (generator.choice(RANGES[name].choices, shape) for name in ("rank", "alpha"))
        for values, name in ((rate, "learning_rate"), (rank, "rank"), (alpha, "alpha")):
            values[..., 0] = GUESS[name]
        return self.skill(rate, rank, alpha)

    @cached_property
    def spread_points(self) -> float:
        """The standard deviation of the true accuracy over random configurations, in points."""
        skills = self.propose(np.random.default_rng(0), (100_000, 2))[:, 1]
        return 100 * float(share_right(skills).std())


SURFACES = (Surface("steep", 3.0, 0.10), Surface("moderate", 0.8, 0.05), Surface("flat", 0.2, 0.02))


@dataclass(frozen=True)
class Design:
    """A study's protocol.

    Attributes:
        trials: of each search.
        fresh_seeds: trained anew with what a search found; 0: its own best model is scored.
        validation, test: questions.
        seed_sd: standard deviation of a training's skill, in logits; 0.07 is about one point.
    """

    name: str
    replicates: int
    trials: int
    fresh_seeds: int
    validation: int
    test: int
    seed_sd: float

    @property
    def trainings(self) -> int:
        """Trainings of an arm."""
        return self.replicates * (self.trials + self.fresh_seeds)

    @property
    def needs_tpe(self) -> bool:
        """Whether a search is long enough for TPE to propose."""
        return self.trials > startup_trials(self.trials)


def startup_trials(trials: int) -> int:
    """Return how many proposals of a search are random before TPE's, as `study.search.proposals` has it."""
    return max(3, trials // 3)


def share_right(skills: np.ndarray) -> np.ndarray:
    """Return the share of all questions that models of these skills answer."""
    return np.interp(skills, _SKILLS, _SHARES)


def shift_for(points: float, skills: np.ndarray) -> float:
    """Return by how many logits to shift an arm so that its mean over searches is `points` higher."""
    mean = share_right(skills).mean()
    return float(brentq(lambda shift: share_right(skills + shift).mean() - mean - points / 100, -5, 5))


def search_arms(
    design: Design, surfaces: Sequence[Surface], generator: np.random.Generator, studies: int
) -> np.ndarray:
    """Return the skills of the models that are scored on test: studies x arms x replicates x seeds.

    Args:
        surfaces: each arm's; arms with different ones are given different proposals.
    """
    search = _search_by_tpe if design.needs_tpe else _search_at_random
    block = max(1, BLOCK // (len(surfaces) * design.replicates * design.trials * design.validation))
    parts = [
        search(design, surfaces, generator, min(block, studies - start)) for start in range(0, studies, block)
    ]
    found = np.concatenate(parts)[..., None]
    if not design.fresh_seeds:
        return found
    return found + generator.normal(0, design.seed_sd, (*found.shape[:3], design.fresh_seeds))


def answer_test(
    skills: np.ndarray, questions: int, generator: np.random.Generator
) -> Iterator[list[np.ndarray]]:
    """Yield for each study its arms' scores, repeats x questions, on test questions that all models share.

    Repeats are replicates, each the mean over its seeds, or the seeds of a single search.
    """
    _, arms, replicates, seeds = skills.shape
    block = max(1, BLOCK // (arms * replicates * seeds * questions))
    for start in range(0, len(skills), block):
        part = skills[start : start + block, ..., None].astype(np.float32)
        hits = _answer(part, generator, (len(part), 1, 1, 1, questions)).astype(float)
        yield from (list(study[:, 0] if replicates == 1 else study.mean(axis=2)) for study in hits)


def _answer(skills: np.ndarray, generator: np.random.Generator, questions: tuple[int, ...]) -> np.ndarray:
    difficulty = DIFFICULTY_SD * generator.standard_normal(questions, np.float32)
    ability = skills + difficulty
    return generator.random(ability.shape, np.float32) < expit(ability)


def _search_at_random(
    design: Design, surfaces: Sequence[Surface], generator: np.random.Generator, studies: int
) -> np.ndarray:
    """Return the skills of what searches found: studies x arms x replicates."""
    shape = (studies, design.replicates, design.trials)
    proposed = {surface: surface.propose(generator, shape) for surface in dict.fromkeys(surfaces)}
    skills = np.stack([proposed[surface] for surface in surfaces], axis=1)
    trained = skills + generator.normal(0, design.seed_sd, skills.shape)
    own_questions = (studies, 1, design.replicates, 1, design.validation)
    right = _answer(trained[..., None].astype(np.float32), generator, own_questions).sum(axis=-1)
    best = _best(right, trained)[..., None]
    return np.take_along_axis(skills if design.fresh_seeds else trained, best, axis=-1)[..., 0]


def _best(right: np.ndarray, trained: np.ndarray) -> np.ndarray:
    # On the same questions the lower loss is the higher skill's; it orders what right answers leave equal.
    return (right + 0.5 * expit(trained)).argmax(axis=-1)


def _search_by_tpe(
    design: Design, surfaces: Sequence[Surface], generator: np.random.Generator, studies: int
) -> np.ndarray:
    """Return the same, each search by an Optuna study."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = np.empty((studies, len(surfaces), design.replicates))
    for study, replicate in np.ndindex(studies, design.replicates):
        difficulty = generator.normal(0, DIFFICULTY_SD, design.validation)
        seed = int(generator.integers(2**31))
        for arm, surface in enumerate(surfaces):
            own = seed + 1000 * surfaces.index(surface)
            found[study, arm, replicate] = _one_search(design, surface, own, difficulty, generator)
    return found


def _one_search(
    design: Design, surface: Surface, seed: int, difficulty: np.ndarray, generator: np.random.Generator
) -> float:
    """Return the skill of what one search of Optuna's found."""
    optuna_study = optuna.create_study(direction="maximize")
    optuna_study.enqueue_trial(GUESS)
    best = (-1.0, 0.0)
    for number in range(design.trials):
        optuna_study.sampler = optuna.samplers.TPESampler(
            seed=seed + number, n_startup_trials=startup_trials(design.trials), constant_liar=True
        )
        proposal = optuna_study.ask(RANGES)
        values = (proposal.params[name] for name in ("learning_rate", "rank", "alpha"))
        skill = float(surface.skill(*(np.asarray(value) for value in values)))
        trained = skill + generator.normal(0, design.seed_sd)
        score = float(_score(trained, difficulty, generator))
        optuna_study.tell(proposal, score)
        best = max(best, (score, skill if design.fresh_seeds else trained))
    return best[1]


def _score(trained: float, difficulty: np.ndarray, generator: np.random.Generator) -> float:
    right = generator.random(len(difficulty)) < expit(trained + difficulty)
    return float(right.sum() + 0.5 * expit(trained))


def _shares(skills: np.ndarray) -> np.ndarray:
    # The mean of the logistic function over the questions' normal difficulty.
    points, weights = np.polynomial.hermite_e.hermegauss(100)
    return expit(skills[:, None] + DIFFICULTY_SD * points) @ weights / weights.sum()


_SKILLS = np.linspace(-20, 10, 6001)
_SHARES = _shares(_SKILLS)
