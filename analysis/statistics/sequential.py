"""Planned looks at a study while it runs: what is decided early need not run on.

A plan of looks (`--looks 3,6,12`) says after how many replicates the planned contrasts are tested, and shares
the 5% among the looks (see `split_alpha`). At look i every planned contrast's p-value is corrected over
all of them (Holm), and a contrast is decided where it is below w_i times 5%. Its p-value over the looks is
the smallest p_holm / w_i, which is below 5% exactly where a look decided it. By the union bound over the
looks, and at each look by Holm's over the contrasts, some true equality is called a difference in at most 5%
of studies (Bonferroni's split of alpha; Holm 1979; closed testing: Marcus, Peritz & Gabriel 1976). For that
to hold, whatever the looks show:

- A contrast that a look decided stays decided, and keeps its p-value in the families of later looks.
- A contrast one of whose arms has stopped, and that is not decided, counts with p = 1 at later looks.
- A look reads the replicates before it alone, so that it is a function of finished rows: a study that goes on
  from its folder takes the same looks again.

An arm stops where a planned pair was decided against it. It stops for futility where it would overtake the
leading arm's mean by the last look with a chance below 5%, and each planned contrast of it that is open would
be decided there with a chance below 5%: an arm that can only lose runs on while the loss may be shown. Both
chances are predictive (Spiegelhalter, Freedman & Blackburn 1986, Controlled Clinical Trials 7, 8-17): after n
of N replicates a contrast D whose variance has the repeats' part R becomes one with mean D and variance
R (1 - n / N), and t with Welch's degrees of freedom. Stopping an arm can only lose differences, for what it
leaves open counts as not shown. A study is settled where every planned contrast is decided or has an arm
that stopped.

The interval of a difference that look i decided has the level 1 - w_i 5% (a repeated confidence interval:
Jennison & Turnbull 1989), from the replicates of that look; that of one left open the level of the last look
that tested it. Simulated error rates: benchmarks/results/protocol.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from scipy import special

from analysis.statistics.contrasts import Contrast, estimate_contrast
from analysis.statistics.differences import ALPHA, Answers, Difference, compare_pair, holm

# An arm whose chance of overtaking the leader is below it stops.
FUTILE = 0.05


@dataclass(frozen=True)
class LookPlan:
    """After how many replicates a study is looked at, and which share of the 5% each look has."""

    replicates: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Stop:
    """An arm that a look stopped: the look's number from 0, the replicates after it, and why."""

    look: int
    replicates: int
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What the looks taken have shown.

    Attributes:
        differences: one a contrast, in their order, with p over the looks as `p_holm`.
        stopped: arm -> where and why it stopped.
        settled_at: the number of the look from 0 that settled the last open contrast; None: some are open.
    """

    differences: list[Difference]
    stopped: Mapping[str, Stop]
    settled_at: int | None


@dataclass
class _State:
    """What is known after a look; a contrast is known by its place in the family."""

    differences: dict[int, Difference] = field(default_factory=dict)
    over_looks: dict[int, float] = field(default_factory=dict)
    decided: dict[int, int] = field(default_factory=dict)
    stopped: dict[str, Stop] = field(default_factory=dict)


def replay(
    looks: Sequence[Mapping[str, Answers]],
    contrasts: Sequence[Contrast],
    plan: LookPlan,
    stopped: Mapping[str, Stop] | None = None,
) -> Outcome:
    """Return what looks show, from the first to the last taken, or to the one that settles the contrasts.

    Args:
        looks: for each look taken the answers of the arms in the replicates before it, scores in %.
        contrasts: the family that is corrected together: the same at every look.
        stopped: where the arms' ends are known (another family than the planned one): what stopped them.
    """
    state = _State(stopped=dict(stopped or {}))
    settled_at = None
    for number, answers in enumerate(looks):
        running = {
            name: arm
            for name, arm in answers.items()
            if name not in state.stopped or state.stopped[name].look >= number
        }
        _test(state, number, running, contrasts, plan)
        if stopped is None:
            if number + 1 < len(plan.replicates):
                state.stopped |= _stop_arms(state, number, running, contrasts, plan)
            if _is_settled(state, contrasts):
                settled_at = number
                break
    return Outcome(_differences(state, contrasts, plan), state.stopped, settled_at)


def _test(
    state: _State, number: int, running: Mapping[str, Answers], contrasts: Sequence[Contrast], plan: LookPlan
) -> None:
    """Test the open contrasts among the running arms, and note what is decided."""
    p_values = []
    for place, asked in enumerate(contrasts):
        if place not in state.decided and all(name in running for name in asked.weights):
            found = estimate_contrast(asked, running)
            state.differences[place] = found.at_level(1 - plan.weights[number] * ALPHA)
            p_values.append(1.0 if found.p is None else found.p)
        else:
            p_values.append(state.differences[place].p or 1.0 if place in state.decided else 1.0)
    for place, p in enumerate(holm(p_values)):
        if place not in state.decided:
            over = min(p / plan.weights[number], 1.0)
            state.over_looks[place] = min(over, state.over_looks.get(place, 1.0))
            if over < ALPHA:
                state.decided[place] = number


def _stop_arms(
    state: _State, number: int, running: Mapping[str, Answers], contrasts: Sequence[Contrast], plan: LookPlan
) -> dict[str, Stop]:
    """Return the arms that stop at a look: clearly beaten, or without a chance of being the best."""
    replicates, last = plan.replicates[number], plan.replicates[-1]
    stops: dict[str, Stop] = {}
    for place in (place for place, look in state.decided.items() if look == number):
        if len(contrasts[place].weights) == 2:
            found = state.differences[place]
            (much,) = found.measure.write(found.estimate.mean)
            reason = f"clearly beaten by {found.better}, by {much}{found.measure.difference_suffix}"
            stops.setdefault(found.worse, Stop(number, replicates, reason))
    going_on = [arm for name, arm in running.items() if name not in stops]
    leader = max(going_on, key=lambda arm: arm.scores.mean(), default=None)
    for arm in going_on:
        if leader is None or arm is leader or chance_to_overtake(arm, leader, last) >= FUTILE:
            continue
        own = [place for place, asked in enumerate(contrasts) if arm.name in asked.weights]
        if all(_is_hopeless(state, place, number, plan) for place in own):
            reason = f"a chance below {FUTILE:.0%} of overtaking {leader.name} by replicate {last}"
            stops[arm.name] = Stop(number, replicates, reason)
    return stops


def chance_to_overtake(arm: Answers, leader: Answers, last: int) -> float:
    """Return the chance that an arm's mean over all `last` replicates is above the leader's.

    1 where an arm has too few replicates to know, or none to come.
    """
    counts = (len(arm.scores), len(leader.scores))
    found = compare_pair(leader, arm)
    if min(counts) < 2 or max(counts) >= last or found.better != leader.name:
        return 1.0
    if found.uncertainty is None or found.uncertainty.repeats == 0.0:
        return 0.0 if found.estimate.mean > 0 else 1.0
    to_come = found.uncertainty.repeats * (1 - max(counts) / last)
    return float(special.stdtr(found.uncertainty.repeat_df, -found.estimate.mean / to_come**0.5))


def _is_hopeless(state: _State, place: int, number: int, plan: LookPlan) -> bool:
    """Say whether a contrast is decided, or closed, or has no chance left of being decided."""
    found = state.differences.get(place)
    if place in state.decided or found is None or found.uncertainty is None:
        return place in state.decided
    return chance_to_decide(found, plan.replicates[number], plan) < FUTILE


def chance_to_decide(found: Difference, replicates: int, plan: LookPlan) -> float:
    """Return the chance that a difference after some replicates is decided at the last look, at its best.

    At its best: as the last of the family, without Holm's correction.
    """
    now = found.uncertainty
    if now is None:
        return 1.0
    done = replicates / plan.replicates[-1]
    last = replace(
        now, repeats=now.repeats * done, repeat_df=now.repeat_df / done, without_repeats=now.questions
    )
    margin = last.margin(1 - plan.weights[-1] * ALPHA / 2)
    spread = (now.repeats * (1 - done)) ** 0.5
    if spread == 0.0:
        return float(found.estimate.mean > margin)
    above, below = found.estimate.mean - margin, -found.estimate.mean - margin
    return float(sum(special.stdtr(max(now.repeat_df, 1), side / spread) for side in (above, below)))


def _is_settled(state: _State, contrasts: Sequence[Contrast]) -> bool:
    return bool(contrasts) and all(
        place in state.decided or any(name in state.stopped for name in asked.weights)
        for place, asked in enumerate(contrasts)
    )


def _differences(state: _State, contrasts: Sequence[Contrast], plan: LookPlan) -> list[Difference]:
    return [
        replace(
            state.differences[place],
            p_holm=state.over_looks[place],
            decided_at=plan.replicates[state.decided[place]] if place in state.decided else None,
        )
        for place in range(len(contrasts))
        if place in state.differences
    ]


def split_alpha(looks: int) -> tuple[float, ...]:
    """Return each look's share of the 5%: in proportion to 2, 3, 5, 8, ..., each the sum of the two before.

    Three looks get 0.2, 0.3 and 0.5. Early looks get least, so that a study that runs to its end loses
    little power.
    """
    parts = [2, 3]
    while len(parts) < looks:
        parts.append(parts[-1] + parts[-2])
    return tuple(part / sum(parts[:looks]) for part in parts[:looks])
