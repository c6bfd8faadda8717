"""The search: which trial comes next, decided by the plan and by finished trials alone.

Optuna proposes within each arm, never across arms. A proposal may depend on which trials have finished, and
which those are depends on timing; so that one seed gives one study, a proposal of an arm waits for a fixed
set of its earlier trials and sees no others. The search can therefore be replayed from the rows of the
results folder: a resumed study asks the same questions, and finds the finished ones answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from study.config import TRAINED_METHODS, TrialConfig, digest
from study.plan import Arm, Plan

Row = Mapping[str, Any]

# So many failed trials, before any training has finished, are taken for one fault of the whole study.
HOPELESS_FAILURES = 5


@dataclass(frozen=True)
class Assignment:
    """A trial to run: its arm, its configuration, and its number in the arm's search (None for confirm)."""

    arm: Arm
    config: TrialConfig
    number: int | None = None


class ArmSearch:
    """Both stages of one arm: Optuna's proposals, then the best of them with every confirm seed.

    Args:
        arm: what to search.
        width: proposals that may be unfinished at once: proposal k sees the results of the trials
            0 to k - width, in their order, and no others.
    """

    def __init__(self, arm: Arm, width: int):
        self.arm = arm
        self._width = width
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna_study = optuna.create_study(direction="maximize", sampler=_sampler(arm, width))
        if arm.first_guess:
            self._optuna_study.enqueue_trial(arm.first_guess)
        self._proposals: list[optuna.Trial] = []
        self._rows: dict[int, Row] = {}
        self._told = 0
        self._confirmed = 0

    @property
    def started(self) -> int:
        """Trials handed out so far, of both stages."""
        return len(self._proposals) + self._confirmed

    @property
    def best(self) -> Row | None:
        """The row of the best finished search trial, or None."""
        complete = [row for _, row in sorted(self._rows.items()) if row["status"] == "complete"]
        return max(complete, key=lambda row: row["search_score"], default=None)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to hand out, now or later."""
        searched = len(self._rows) == self.arm.search_trials
        nothing_to_confirm = self.arm.search_trials > 0 and searched and self.best is None
        return searched and (nothing_to_confirm or self._confirmed == len(self.arm.confirm_seeds))

    def next(self) -> Assignment | None:
        """Return the next trial, or None if it has to wait for one that is running, or there is none."""
        if len(self._proposals) < self.arm.search_trials:
            return self._propose()
        return self._confirm()

    def finish(self, number: int, row: Row) -> None:
        """Take in the row of search trial `number`."""
        self._rows[number] = row

    def _propose(self) -> Assignment | None:
        number = len(self._proposals)
        visible = number - self._width + 1
        if any(k not in self._rows for k in range(visible)):
            return None
        for k in range(self._told, max(visible, 0)):
            self._tell(self._proposals[k], self._rows[k])
            self._told = k + 1
        proposal = self._optuna_study.ask(dict(self.arm.ranges))
        self._proposals.append(proposal)
        return Assignment(self.arm, self.arm.search_config(proposal.params), number)

    def _tell(self, proposal: optuna.Trial, row: Row) -> None:
        if row["status"] == "complete":
            self._optuna_study.tell(proposal, row["search_score"])
        else:
            self._optuna_study.tell(proposal, state=TrialState.FAIL)

    def _confirm(self) -> Assignment | None:
        if len(self._rows) < self.arm.search_trials or self._confirmed == len(self.arm.confirm_seeds):
            return None
        if self.arm.search_trials > 0 and self.best is None:
            return None
        seed = self.arm.confirm_seeds[self._confirmed]
        self._confirmed += 1
        return Assignment(self.arm, self.arm.confirm_config(self._best_parameters(), seed))

    def _best_parameters(self) -> dict[str, Any]:
        return {} if self.best is None else {name: self.best[name] for name in self.arm.ranges}


class StudySearch:
    """All arms of a study: hands out trials so that the arms advance together.

    Args:
        plan: a bound plan.
        width: see `ArmSearch`.
        finished: trial id -> row of what is finished already; those trials are not handed out again.
        on_reuse: is called with the assignment and the row of each of those.

    Attributes:
        hopeless: None, or the row of the failed trial after which the search gave up: the last of
            HOPELESS_FAILURES, when no training had finished. The floors, which train nothing, are no
            evidence that the trainer works.
    """

    def __init__(
        self,
        plan: Plan,
        width: int,
        finished: Mapping[str, Row],
        on_reuse: Callable[[Assignment, Row], None] = lambda assignment, row: None,
    ):
        self._searches = [ArmSearch(arm, width) for arm in plan.arms]
        self._finished = dict(finished)
        self._running: dict[str, tuple[ArmSearch, int | None]] = {}
        self._on_reuse = on_reuse
        self._failures = 0
        self._any_trained = False
        self.hopeless: Row | None = None

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to hand out."""
        return self.hopeless is not None or all(search.exhausted for search in self._searches)

    def next(self) -> Assignment | None:
        """Return the next trial to run, or None if all must wait (or `exhausted`)."""
        if self.hopeless is not None:
            return None
        for search in sorted(self._searches, key=lambda s: s.started / s.arm.trials):
            while (assignment := search.next()) is not None:
                self._running[assignment.config.trial_id] = (search, assignment.number)
                row = self._finished.get(assignment.config.trial_id)
                if row is None:
                    return assignment
                self._on_reuse(assignment, row)
                self.finish(assignment.config.trial_id, row)
        return None

    def finish(self, trial_id: str, row: Row) -> None:
        """Take in the row of a trial that was handed out."""
        search, number = self._running.pop(trial_id)
        self._finished[trial_id] = row
        self._any_trained |= row["method"] in TRAINED_METHODS and row["status"] == "complete"
        self._failures += row["status"] == "failed"
        if self._failures >= HOPELESS_FAILURES and not self._any_trained and self.hopeless is None:
            self.hopeless = row
        if number is not None:
            search.finish(number, row)


def _sampler(arm: Arm, width: int) -> TPESampler:
    # The model of TPE needs a few points; with few trials, a third of them is what can be spared.
    return TPESampler(
        seed=int(digest([arm.search_seed, arm.label], 8), 16),
        n_startup_trials=max(3, arm.search_trials // 3),
        constant_liar=width > 1,
    )
