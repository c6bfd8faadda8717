"""Early stopping among the search trials of one arm: the rule of ASHA, made independent of timing.

ASHA's stopping form (Li et al. 2020, arXiv 1810.05934): at a rung, a share of the budget, a trial goes on
only if its loss is among the best 1 / REDUCTION_FACTOR of those that reached the rung before it. "Before"
usually means before in time, so that no two runs agree. Here it means the trials that the proposal itself
could see (`study.search.search`), so the cut-offs are known when a trial is handed out: they travel with it,
and the process that trains it stops by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from study.errors import Pruned

REDUCTION_FACTOR = 2
# Shares of the first phase's steps. A rung counts where the training takes a validation loss anyway.
RUNGS = (0.25, 0.5)
# A cut-off taken from fewer trials says too little: an arm with so many search trials, or fewer, stops none.
MINIMUM_PEERS = 4

# For each rung a loss in nats a target token, or None where there is none.
RungLosses = Sequence[float | None]


def may_prune(search_trials: int) -> bool:
    """Tell whether early stopping can save anything in an arm of so many search trials."""
    return search_trials > MINIMUM_PEERS


def rung_steps(steps: int) -> list[int]:
    """Return the step of each rung in a training of so many steps."""
    return [max(1, round(share * steps)) for share in RUNGS]


def rung_losses(history: Sequence[Mapping[str, Any]], steps: int) -> list[float | None]:
    """Return the validation loss at each rung of a first phase of `steps` steps, from its history rows."""
    losses = {row["step"]: row["validation_loss"] for row in history}
    return [losses.get(step) for step in rung_steps(steps)]


def cutoffs(peers: Sequence[RungLosses]) -> list[float | None]:
    """Return for each rung the highest loss with which a trial goes on, from the losses of earlier trials."""
    return [_cutoff([own[rung] for own in peers]) for rung in range(len(RUNGS))]


def _cutoff(losses: Sequence[float | None]) -> float | None:
    known = sorted(loss for loss in losses if loss is not None)
    if len(known) < MINIMUM_PEERS:
        return None
    # The new trial is one of those that reached the rung: so many of them go on.
    survivors = (len(known) + 1) // REDUCTION_FACTOR
    return known[survivors - 1]


def prune_above(
    limits: RungLosses, on_progress: Callable[[Mapping[str, Any]], None]
) -> Callable[[Mapping[str, Any]], None]:
    """Return `on_progress` with the rule added: it raises `Pruned` where a rung's cut-off is exceeded.

    Args:
        limits: the cut-offs; empty, or None at a rung, for none.
        on_progress: what is called first, with each progress of a trial (see `study.trial.trial.run_trial`).
    """

    def tell(progress: Mapping[str, Any]) -> None:
        on_progress(progress)
        loss = progress.get("validation_loss")
        if loss is None or progress["part"] != 1:
            return
        for step, limit in zip(rung_steps(progress["steps"]), limits, strict=False):
            if step == progress["step"] and limit is not None and loss > limit:
                raise Pruned(
                    f"validation loss {loss:.4f} at step {step} of {progress['steps']} is above {limit:.4f}, "
                    "the cut-off of its arm's earlier trials"
                )

    return tell
