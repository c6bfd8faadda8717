"""The search: which trial comes next, decided by the plan and by finished trials alone.

Optuna proposes within each arm, never across arms. A proposal may depend on which trials have finished, and
which those are depends on timing; so that one seed gives one study, a proposal of an arm waits for a fixed
set of its earlier trials and sees no others. The search can therefore go on from the rows of the results
folder: a resumed study makes the same proposals, and finds the finished ones answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from study.config import TRAINED_METHODS, TrialConfig
from study.plan import Arm, Plan
from study.proposals import Proposals
from study.pruning import RungLosses, cutoffs, may_prune

Row = Mapping[str, Any]

# So many failed trials, before any training has finished, are taken for one fault of the whole study.
HOPELESS_FAILURES = 5


@dataclass(frozen=True)
class Assignment:
    """A trial to run.

    Attributes:
        arm, config: its arm and its configuration.
        number: its number in the arm's search; None in the confirm stage.
        cutoffs: the losses above which early stopping ends it, for each rung; empty: it is never stopped.
    """

    arm: Arm
    config: TrialConfig
    number: int | None = None
    cutoffs: tuple[float | None, ...] = ()


class ArmSearch:
    """Both stages of one arm: Optuna's proposals, then the best of them with every confirm seed.

    Args:
        arm: what to search.
        width: proposals that may be unfinished at once: proposal k sees the results of the trials
            0 to k - width, in their order, and no others.
        known: number -> row of the search trials that have finished already.
        early_stopping: whether a search trial may be stopped early.
    """

    def __init__(self, arm: Arm, width: int, known: Mapping[int, Row], *, early_stopping: bool):
        self.arm = arm
        self._width, self._known = width, dict(known)
        self._early_stopping = early_stopping and may_prune(arm.search_trials)
        self._proposals = Proposals(arm, parallel=width > 1)
        self._unseen: dict[int, Row] = {}
        self._rung_losses: list[RungLosses] = []
        self._searched = self._told = self._confirmed = 0
        self._best: tuple[float, int] | None = None  # its score, and its number times -1

    @property
    def started(self) -> int:
        """Trials handed out so far, of both stages."""
        return len(self._proposals) + self._confirmed

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to hand out, now or later."""
        return self._search_ended and (
            self._nothing_to_confirm or self._confirmed == len(self.arm.confirm_seeds)
        )

    def next(self) -> Assignment | None:
        """Return the next trial, or None if it has to wait for one that is running, or there is none."""
        if len(self._proposals) < self.arm.search_trials:
            return self._propose()
        return self._confirm()

    def finish(self, number: int, row: Row) -> None:
        """Take in the row of search trial `number`."""
        self._searched += 1
        self._unseen[number] = {name: row.get(name) for name in ("status", "search_score", "rung_losses")}
        if row["status"] == "complete":
            # Of equal scores the earlier trial's is the best.
            found = (row["search_score"], -number)
            self._best = max(self._best or found, found)

    @property
    def _search_ended(self) -> bool:
        return self._searched == self.arm.search_trials

    @property
    def _nothing_to_confirm(self) -> bool:
        return self.arm.search_trials > 0 and self._best is None

    def _propose(self) -> Assignment | None:
        number = len(self._proposals)
        visible = max(number - self._width + 1, 0)
        if any(k not in self._unseen for k in range(self._told, visible)):
            return None
        for k in range(self._told, visible):
            self._tell(k, self._unseen.pop(k))
        self._told = visible
        if (row := self._known.pop(number, None)) is not None:
            config = json.loads(row["config_json"])
            parameters = self._proposals.register({name: config[name] for name in self.arm.ranges})
        else:
            parameters = self._proposals.propose()
        limits = tuple(cutoffs(self._rung_losses)) if self._early_stopping else ()
        return Assignment(self.arm, self.arm.search_config(parameters), number, limits)

    def _tell(self, number: int, row: Row) -> None:
        self._proposals.tell(number, row)
        if row["rung_losses"]:
            self._rung_losses.append(row["rung_losses"])

    def _confirm(self) -> Assignment | None:
        if not self._search_ended or self.exhausted:
            return None
        seed = self.arm.confirm_seeds[self._confirmed]
        self._confirmed += 1
        parameters = {} if self._best is None else self._proposals.parameters(-self._best[1])
        return Assignment(self.arm, self.arm.confirm_config(parameters, seed))


class StudySearch:
    """All arms of a study: hands out trials so that the arms advance together.

    Args:
        plan: a bound plan.
        width: see `ArmSearch`.
        finished: trial id -> row of what is finished already; those trials are not handed out again.
        on_reuse: is called with the assignment and the row of each of those.

    Attributes:
        hopeless: None, or the row of the last failed trial when the search gave up: there were
            HOPELESS_FAILURES, and no training had finished or was under way in an arm without a failure. The
            floors, which train nothing, are no evidence that the trainer works.
    """

    def __init__(
        self,
        plan: Plan,
        width: int,
        finished: Mapping[str, Row],
        on_reuse: Callable[[Assignment, Row], None] = lambda assignment, row: None,
    ):
        known = _search_rows(finished)
        self._searches = [
            ArmSearch(arm, width, known.get(arm.label, {}), early_stopping=plan.request.early_stopping)
            for arm in plan.arms
        ]
        self._finished = dict(finished)
        self._running: dict[str, tuple[ArmSearch, int | None]] = {}
        self._on_reuse = on_reuse
        self._failed: list[Row] = []
        self._any_trained = any(_has_trained(row) for row in finished.values())
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
                row = self._finished.pop(assignment.config.trial_id, None)
                if row is None:
                    return assignment
                self._on_reuse(assignment, row)
                self.finish(assignment.config.trial_id, row)
        return None

    def finish(self, trial_id: str, row: Row) -> None:
        """Take in the row of a trial that was handed out."""
        search, number = self._running.pop(trial_id)
        self._any_trained |= _has_trained(row)
        if row["status"] == "failed":
            self._failed.append(row)
        if self.hopeless is None and self._is_hopeless():
            self.hopeless = self._failed[-1]
        if number is not None:
            search.finish(number, row)

    def _is_hopeless(self) -> bool:
        if self._any_trained or len(self._failed) < HOPELESS_FAILURES:
            return False
        failed_arms = {row["arm"] for row in self._failed}
        return all(s.arm.is_baseline or s.arm.label in failed_arms for s, _ in self._running.values())


def _has_trained(row: Row) -> bool:
    return row["method"] in TRAINED_METHODS and row["status"] in ("complete", "pruned")


def _search_rows(finished: Mapping[str, Row]) -> dict[str, dict[int, Row]]:
    """Return arm label -> number -> row of the finished search trials."""
    known: dict[str, dict[int, Row]] = {}
    for row in finished.values():
        if row["search_number"] is not None:
            known.setdefault(row["arm"], {})[row["search_number"]] = row
    return known
