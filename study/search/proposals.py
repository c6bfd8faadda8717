"""Proposals: which hyperparameters one search of an arm tries next, by Optuna.

A proposal is a function of the arm's ranges, the replicate, its number and the results that it may see: the
sampler is seeded anew for each. So a search goes on from the rows of its finished trials, without asking for
them again, and arms with equal ranges get equal proposals, as far as these hang on no result.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, product
from types import MappingProxyType
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from study.errors import StudyFailed
from study.plan.arms import Arm
from study.plan.seeds import derive_seed
from study.space import list_values

Parameters = dict[str, Any]

# How often TPE is asked for something new before chance is, and chance before what is left is counted up.
ATTEMPTS = 10
DRAWS = 100
# Of these at most: a larger space has more left than chance misses.
LISTED = 100_000


class Proposals:
    """The Optuna study of one search. Proposals are numbered from 0, and made or registered in that order.

    Args:
        arm: what to search.
        replicate: which of the arm's searches it is.
        parallel: whether several proposals may be unfinished at once.
    """

    def __init__(self, arm: Arm, replicate: int, *, parallel: bool):
        self._arm, self._replicate, self._parallel = arm, replicate, parallel
        self._asked: dict[int, optuna.Trial] = {}  # those of which Optuna knows, and not yet how they ended
        self._parameters: list[Parameters] = []
        self._origins: list[str] = []
        # Those of an earlier run of which Optuna does not know, the first ones with their rows. A search that
        # has ended needs no Optuna at all; thousands of them would take minutes to be told.
        self._registered: dict[int, Mapping[str, Any] | None] = {}
        self._tried: set[tuple[float, ...]] = set()

    def __len__(self) -> int:
        """Proposals so far."""
        return len(self._parameters)

    @functools.cached_property
    def _optuna_study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return optuna.create_study(direction="maximize")

    def propose(self) -> Parameters:
        """Return the next configuration: the arm's own guesses first, and none twice."""
        self._tell_of_registered()
        first_seed = derive_seed(self._arm.seed, "proposals", self._replicate, len(self))
        guess = self._arm.guesses[len(self)] if len(self) < len(self._arm.guesses) else {}
        for tries in range(DRAWS):
            seed = (first_seed + tries) % 2**31
            by_chance = tries >= ATTEMPTS or self._seen < self._startup_trials
            sampler = RandomSampler(seed) if tries >= ATTEMPTS else self._tpe(seed)
            proposal = self._ask(sampler, {} if tries else guess)
            if self._key_of(proposal.params) not in self._tried:
                is_guess = bool(guess) and not tries
                return self._take_asked(proposal, "guess" if is_guess else "random" if by_chance else "tpe")
            self._optuna_study.tell(proposal, state=TrialState.FAIL)
        return self._take_asked(self._ask(RandomSampler(0), self._one_of_what_is_left(first_seed)), "random")

    def _one_of_what_is_left(self, seed: int) -> Parameters:
        """Return a configuration that has not been tried, of a space so small that chance finds none.

        Raises:
            StudyFailed: there is none.
        """
        ranges = self._arm.ranges
        values = [list(islice(list_values(distribution), LISTED)) for distribution in ranges.values()]
        left = [
            dict(zip(ranges, combination, strict=True))
            for combination in islice(product(*values), LISTED)
            if self._key_of(dict(zip(ranges, combination, strict=True))) not in self._tried
        ]
        if not left:
            raise StudyFailed(f"the search of arm '{self._arm.label}' finds nothing that it has not tried")
        return left[seed % len(left)]

    def origin(self, number: int) -> str:
        """Return who made proposal `number`: "guess", "random", "tpe", or "registered".

        TPE draws at random until it sees as many results as it starts on.
        """
        return self._origins[number]

    def register(self, parameters: Mapping[str, Any]) -> Parameters:
        """Take in the next configuration as an earlier run of the study proposed it; return it."""
        self._registered[len(self)] = None
        return self._take(dict(parameters), "registered")

    def parameters(self, number: int) -> Parameters:
        """Return proposal `number`."""
        return self._parameters[number]

    def tell(self, number: int, row: Mapping[str, Any]) -> None:
        """Tell Optuna how proposal `number` ended: each after those before it."""
        if number in self._registered:
            self._registered[number] = row
            return
        ended, proposal = read_ending(row), self._asked.pop(number)
        for rung, value in ended.intermediate_values.items():
            proposal.report(value, rung)
        self._optuna_study.tell(proposal, ended.value, ended.state)

    def _tell_of_registered(self) -> None:
        """Tell Optuna of an earlier run's proposals: of those that have ended, then of the others."""
        for number, row in self._registered.items():
            if row is not None:
                self._optuna_study.add_trial(ended_trial(row, self._parameters[number], self._arm.ranges))
            else:
                self._asked[number] = self._ask(RandomSampler(0), self._parameters[number])
        self._registered.clear()

    def _ask(self, sampler: BaseSampler, fixed: Mapping[str, Any]) -> optuna.Trial:
        self._optuna_study.sampler = sampler
        if fixed:
            self._optuna_study.enqueue_trial(dict(fixed))
        return self._optuna_study.ask(dict(self._arm.ranges))

    @property
    def _seen(self) -> int:
        """Trials that TPE takes into account."""
        counted = {TrialState.COMPLETE, TrialState.PRUNED, *([TrialState.RUNNING] if self._parallel else [])}
        return len(self._optuna_study.get_trials(deepcopy=False, states=tuple(counted)))

    @property
    def _startup_trials(self) -> int:
        # The model of TPE needs a few points; with few trials, a third of them is what can be spared.
        return max(3, self._arm.search_trials // 3)

    def _tpe(self, seed: int) -> TPESampler:
        return _ArmSampler(
            self._arm.ranges, seed=seed, n_startup_trials=self._startup_trials, constant_liar=self._parallel
        )

    def _key_of(self, parameters: Parameters) -> tuple[float, ...]:
        # Optuna's own representation, in which 8 and 8.0 are one choice.
        return tuple(range_.to_internal_repr(parameters[name]) for name, range_ in self._arm.ranges.items())

    def _take_asked(self, proposal: optuna.Trial, origin: str) -> Parameters:
        self._asked[len(self)] = proposal
        return self._take(proposal.params, origin)

    def _take(self, parameters: Parameters, origin: str) -> Parameters:
        self._parameters.append(parameters)
        self._origins.append(origin)
        self._tried.add(self._key_of(parameters))
        return parameters


class _ArmSampler(TPESampler):
    """TPE over ranges that are known. It would find them out again from all trials, at every proposal."""

    def __init__(self, ranges: Mapping[str, BaseDistribution], **options: Any):
        super().__init__(**options)
        self._ranges = {name: ranges[name] for name in sorted(ranges) if not ranges[name].single()}

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """Return the arm's ranges."""
        return self._ranges


@dataclass(frozen=True)
class Ending:
    """How a search trial ended, in Optuna's words.

    Attributes:
        state: COMPLETE, PRUNED or FAIL.
        value: the score of a complete trial.
        intermediate_values: number of a rung -> negative validation loss there, since scores are maximised.
    """

    state: TrialState
    value: float | None
    intermediate_values: Mapping[int, float]


def read_ending(row: Mapping[str, Any]) -> Ending:
    """Return how a search trial ended, from its row."""
    losses = {i: -loss for i, loss in enumerate(row.get("rung_losses") or ()) if loss is not None}
    if row["status"] == "complete":
        return Ending(TrialState.COMPLETE, row["search_score"], losses)
    return Ending(TrialState.PRUNED if row["status"] == "pruned" else TrialState.FAIL, None, losses)


def ended_trial(
    row: Mapping[str, Any],
    parameters: Parameters,
    ranges: Mapping[str, BaseDistribution],
    about: Mapping[str, str] = MappingProxyType({}),
) -> FrozenTrial:
    """Return a search trial that has ended as Optuna holds it, with `about` for people."""
    ending = read_ending(row)
    return create_trial(
        state=ending.state,
        value=ending.value,
        intermediate_values=dict(ending.intermediate_values),
        params=parameters,
        distributions=dict(ranges),
        user_attrs=dict(about),
    )
