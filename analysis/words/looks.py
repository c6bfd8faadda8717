"""What a look at a study showed, in sentences."""

from __future__ import annotations

from analysis.judgement.looks import Decision
from analysis.statistics.sequential import LookPlan
from analysis.words.phrases import difference_sentence


def look_sentences(decision: Decision, plan: LookPlan, look: int) -> list[str]:
    """Return what look number `look` (from 0) showed: what is decided, what stops, whether that was all."""
    after = plan.replicates[look]
    decided = [difference for difference in decision.differences if difference.decided_at is not None]
    lines = [
        f"Look after {after} of {plan.replicates[-1]} replicates: {len(decided)} of "
        f"{len(decision.differences)} planned differences are decided."
    ]
    lines += [f"{difference_sentence(d)}." for d in decided if d.decided_at == after]
    lines += [f"{name} stops: {reason}." for name, reason in decision.stopped.items()]
    if decision.settled:
        lines.append("Nothing planned is open any more.")
    return lines
