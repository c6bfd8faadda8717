"""The search: which trial comes next, decided by the plan and by finished trials alone.

Optuna proposes within one replicate of one arm, never across. A proposal may depend on which trials have
finished, and which those are depends on timing; so that one seed gives one study, a proposal waits for a
fixed set of its search's earlier trials and sees no others. The search can therefore go on from the rows of
the results folder: a resumed study makes the same proposals, and finds the finished ones answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from study.methods.table import trained_methods
from study.plan.plan import Plan
from study.search.assignment import Assignment
from study.search.replicate import ReplicateSearch, Row

# So many failed trials, before any training has finished, are taken for one fault of the whole study.
HOPELESS_FAILURES = 5


# What a planned look decides from so many replicates of every arm that still runs: the labels of the arms
# that stop there; None: all is settled.
TakeLook = Callable[[int], Collection[str] | None]


class StudySearch:
    """All replicates of all arms: hands out trials so that the arms advance together, replicate by replicate.

    Args:
        plan: a bound plan.
        width: see `ReplicateSearch`.
        finished: trial id -> row of what is finished already; those trials are not handed out again.
        on_reuse: is called with the assignment and the row of each of those.
        take_look: is called where the plan has a look, before any later replicate begins.

    Attributes:
        hopeless: None, or the row of the last failed trial when the search gave up: there were
            HOPELESS_FAILURES, and no training had finished or was under way in an arm without a failure. The
            floors, which train nothing, are no evidence that the trainer works.
        left_out: (arm, stage) -> trials that will not run: a look stopped their arm or settled all, or a
            search found nothing to confirm.
        saved_by_looks: how many of them a look saved.
    """

    def __init__(
        self,
        plan: Plan,
        width: int,
        finished: Mapping[str, Row],
        on_reuse: Callable[[Assignment, Row], None] = lambda assignment, row: None,
        take_look: TakeLook = lambda replicates: (),
    ):
        known = _search_rows(finished)
        stops = plan.request.early_stopping
        self._waiting = [
            ReplicateSearch(arm, r, width, known.get((arm.label, r), {}), early_stopping=stops)
            for arm in plan.arms
            for r in range(arm.replicates)
        ]
        self._open: dict[int, list[ReplicateSearch]] = {}  # by replicate, the earliest first
        self._looks = list(plan.request.looks or ())
        self._take_look = take_look
        self._finished = dict(finished)
        self._running: dict[str, tuple[ReplicateSearch, Assignment]] = {}
        self._on_reuse = on_reuse
        self._failed: list[Row] = []
        self._any_trained = any(_has_trained(row) for row in finished.values())
        self.hopeless: Row | None = None
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.saved_by_looks = 0
        self._open_until_next_look()

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to hand out."""
        if self.hopeless is not None:
            return True
        return not self._waiting and all(s.exhausted for searches in self._open.values() for s in searches)

    def next(self) -> Assignment | None:
        """Return the next trial to run, or None if all must wait (or `exhausted`)."""
        while self.hopeless is None:
            found = self._next_of_open()
            if found is None:
                return None
            _, assignment = found
            trial_id = assignment.config.trial_id  # a digest, which is taken anew each time
            self._running[trial_id] = found
            row = self._finished.pop(trial_id, None)
            if row is None:
                return assignment
            self._on_reuse(assignment, row)
            self.finish(trial_id, row)
        return None

    def finish(self, trial_id: str, row: Row) -> None:
        """Take in the row of a trial that was handed out."""
        search, assignment = self._running.pop(trial_id)
        self._any_trained |= _has_trained(row)
        if row["status"] == "failed":
            self._failed.append(row)
        if self.hopeless is None and self._is_hopeless():
            self.hopeless = self._failed[-1]
        search.finish(assignment, row)
        if search.ended:
            self.left_out[search.arm.label, "confirm"] += search.unconfirmed
            self._close(search)
            self._look_if_due()

    def _next_of_open(self) -> tuple[ReplicateSearch, Assignment] | None:
        # The floors, the shortest trials, come last: they fill the slots while the last searches end.
        for floors in (False, True):
            for searches in self._open.values():
                own = [search for search in searches if search.arm.method.is_floor == floors]
                for search in sorted(own, key=lambda s: s.started_share):
                    if (assignment := search.next()) is not None:
                        return search, assignment
        return None

    def _close(self, search: ReplicateSearch) -> None:
        searches = self._open[search.replicate]
        searches.remove(search)
        if not searches:
            del self._open[search.replicate]

    def _open_until_next_look(self) -> None:
        """Let the replicates before the next look begin, or all where there is none."""
        horizon = self._looks[0] if self._looks else None
        begin = [s for s in self._waiting if horizon is None or s.replicate < horizon]
        self._waiting = [s for s in self._waiting if horizon is not None and s.replicate >= horizon]
        for search in sorted(begin, key=lambda s: s.replicate):
            self._open.setdefault(search.replicate, []).append(search)

    def _look_if_due(self) -> None:
        """Take the next look once every replicate before it has ended; then let the following ones begin."""
        while self._looks and not self._open and self.hopeless is None:
            stopped = self._take_look(self._looks.pop(0))
            kept = [s for s in self._waiting if stopped is not None and s.arm.label not in stopped]
            for gone in (s for s in self._waiting if s not in kept):
                self.saved_by_looks += gone.arm.trials_a_replicate
                self.left_out[gone.arm.label, "search"] += gone.arm.search_trials
                self.left_out[gone.arm.label, "confirm"] += gone.arm.confirm_trials
            self._waiting = kept
            if not kept:
                self._looks.clear()
            self._open_until_next_look()

    def _is_hopeless(self) -> bool:
        if self._any_trained or len(self._failed) < HOPELESS_FAILURES:
            return False
        failed_arms = {row["arm"] for row in self._failed}
        return all(s.arm.is_baseline or s.arm.label in failed_arms for s, _ in self._running.values())


def _has_trained(row: Row) -> bool:
    return row["method"] in trained_methods() and row["status"] in ("complete", "pruned")


def _search_rows(finished: Mapping[str, Row]) -> dict[tuple[str, int], dict[int, Row]]:
    """Return (arm label, replicate) -> number -> row of the finished search trials."""
    known: dict[tuple[str, int], dict[int, Row]] = {}
    for row in finished.values():
        if row["search_number"] is not None:
            known.setdefault((row["arm"], row["replicate"]), {})[row["search_number"]] = row
    return known
