"""The search of one replicate of an arm: Optuna's proposals, then what the best of them gives.

A proposal waits for a fixed set of the search's earlier trials and sees no others, so it depends on their
rows alone, and not on when they finished.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from study.plan.arms import Arm
from study.search.assignment import Assignment
from study.search.proposals import Proposals
from study.search.pruning import RungLosses, cutoffs, may_prune

Row = Mapping[str, Any]


class ReplicateSearch:
    """Both stages of one replicate: Optuna's proposals, then the confirm stage of the best of them.

    Args:
        arm, replicate: what to search.
        width: proposals that may be unfinished at once: proposal k sees the results of the trials
            0 to k - width, in their order, and no others.
        known: number -> row of the search trials that have finished already.
        early_stopping: whether a search trial may be stopped early.
    """

    def __init__(
        self, arm: Arm, replicate: int, width: int, known: Mapping[int, Row], *, early_stopping: bool
    ):
        self.arm, self.replicate = arm, replicate
        self._width, self._known = width, dict(known)
        self._trials = arm.trials_a_replicate  # of all searches at every trial: counted once
        self._early_stopping = early_stopping and may_prune(arm.search_trials)
        self._proposed = 0
        self._unseen: dict[int, Row] = {}
        self._rung_losses: list[RungLosses] = []
        self._searched = self._told = self._confirming = self._confirmed = 0
        self._best: tuple[float, int] | None = None  # its score, and its number times -1

    @functools.cached_property
    def _proposals(self) -> Proposals:
        return Proposals(self.arm, self.replicate, parallel=self._width > 1)

    @property
    def started_share(self) -> float:
        """The share of its trials, of both stages, that have been handed out."""
        return (self._proposed + self._confirming) / self._trials

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to hand out, now or later."""
        if not self._search_ended:
            return False
        return self._nothing_to_confirm or self._confirming == self.arm.confirm_trials

    @property
    def unconfirmed(self) -> int:
        """Confirm trials that will not run, for its search found nothing to confirm."""
        return self.arm.confirm_trials - self._confirming if self.exhausted else 0

    @property
    def ended(self) -> bool:
        """Whether all that was handed out has ended, and nothing is left."""
        return self.exhausted and self._confirming == self._confirmed

    def next(self) -> Assignment | None:
        """Return the next trial, or None if it has to wait for one that is running, or there is none."""
        return self._propose() if self._proposed < self.arm.search_trials else self._confirm()

    def finish(self, assignment: Assignment, row: Row) -> None:
        """Take in the row of one of its trials."""
        number = assignment.number
        if number is None:
            self._confirmed += 1
            return
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
        number = self._proposed
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
        self._proposed += 1
        return Assignment(
            self.arm,
            self.replicate,
            self.arm.search_config(parameters, self.replicate),
            number=number,
            origin=self._proposals.origin(number),
            cutoffs=tuple(cutoffs(self._rung_losses)) if self._early_stopping else (),
        )

    def _tell(self, number: int, row: Row) -> None:
        self._proposals.tell(number, row)
        if row["rung_losses"]:
            self._rung_losses.append(row["rung_losses"])

    def _confirm(self) -> Assignment | None:
        if not self._search_ended or self.exhausted:
            return None
        number = self._confirming
        self._confirming += 1
        parameters = {} if self._best is None else self._proposals.parameters(-self._best[1])
        if self.arm.confirm_seeds:
            config = self.arm.confirm_config(parameters, self.replicate, number)
        else:
            config = self.arm.scoring_config(parameters, self.replicate)
        return Assignment(self.arm, self.replicate, config, confirm_number=number)
