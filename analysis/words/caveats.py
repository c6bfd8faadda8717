"""What weakens or explains a verdict's figures: few repeats, looks that ended it early, extensions."""

from __future__ import annotations

from analysis.counts import count_of
from analysis.judgement.families import looked_at, planned_looks
from analysis.judgement.verdicts import LooksTaken, Verdict
from analysis.reading.folders import Row, Study
from analysis.words.phrases import join_names

FEWEST = 5  # replicates that are recommended
RATES = "benchmarks/results/protocol.json has the simulated error rates"


def caveats(verdict: Verdict) -> list[str]:
    """Return the sentences: how few repeats there are, what looks saved, what was extended."""
    lines = []
    if verdict.looks is not None:
        lines += _looks(verdict, verdict.looks)
    else:
        lines += _few(verdict)
    if verdict.looks is None and looked_at(verdict.rows) is None:
        lines += [_uncounted(study) for study in verdict.studies if planned_looks(study.description)]
    for study in verdict.studies:
        lines += _extensions(study)
    return lines


def _few(verdict: Verdict) -> list[str]:
    repeats = [row.repeats for row in verdict.rows if row.unit == "replicate"]
    least = min(repeats, default=FEWEST)
    if least >= FEWEST or least == 1:
        return []
    if least == 2:
        return [
            f"Two searches an arm are too few to know how searches differ: {FEWEST} are the least to rely on."
        ]
    return [f"{least} searches an arm show large differences alone: {FEWEST} are the least to rely on."]


def _looks(verdict: Verdict, looks: LooksTaken) -> list[str]:
    replicates, outcome = looks.plan.replicates, looks.outcome
    planned = join_names([str(number) for number in replicates])
    if not looks.taken:
        return [f"Looks are planned after {planned} replicates: before the first nothing is tested."]
    taken = f"{looks.taken} of the {len(replicates)} looks planned after {planned} replicates were taken"
    lines = [f"{taken}; p-values are over all looks, which share the 5%."]
    saved = {name: stop.replicates for name, stop in outcome.stopped.items()}
    if outcome.settled_at is not None:
        end = replicates[outcome.settled_at]
        saved = {row.name: min(saved.get(row.name, end), end) for row in verdict.rows}
        if end < replicates[-1]:
            count = _trainings_saved(verdict, saved, replicates[-1])
            lines.append(f"Settled after {end} of {replicates[-1]} replicates: {count}.")
    elif any(end < replicates[-1] for end in saved.values()):
        lines.append(f"Stopped early: {_trainings_saved(verdict, saved, replicates[-1])}.")
    return lines + [
        f"{name} stopped after {count_of(stop.replicates, 'replicate')}: {stop.reason}."
        for name, stop in outcome.stopped.items()
    ]


def _trainings_saved(verdict: Verdict, ran: dict[str, int], planned: int) -> str:
    arms = {row.name: row.arm for row in verdict.rows}
    count = sum(
        (planned - end) * ((arms[name].search_trials or 0) + (arms[name].confirm_seeds or 0))
        for name, end in ran.items()
        if name in arms
    )
    return "1 training was not run" if count == 1 else f"{count} trainings were not run"


def _uncounted(study: Study) -> str:
    return (
        f"The looks of {study.name} are not counted, for it was extended or stands beside other studies: its "
        f"p-values are weaker than they read ({RATES})."
    )


def _extensions(study: Study) -> list[str]:
    extensions = [one for one in study.description.get("extensions") or [] if isinstance(one, dict)]
    if not extensions:
        return []
    weaker = "whoever goes on until a difference is clear finds one too often"
    change = _change(study, extensions)
    return [
        f"{study.name} was extended{change} after its results could be seen. Its p-values are weaker for it: "
        f"{weaker} ({RATES})."
    ]


def _change(study: Study, extensions: list[Row]) -> str:
    """Return from how many repeats to how many: of the seeds where there is one search."""
    several = max((arm.get("replicates") or 1 for arm in study.arms), default=1) > 1
    name, unit = ("replicates", "replicates") if several else ("confirm_seeds", "seeds")
    last = extensions[-1].get(name)
    if not isinstance(last, int):
        return ""
    first = extensions[0].get(f"{name}_before") or _before(study, extensions[0], name)
    return f" from {first} to {last} {unit}" if first else f" to {last} {unit}"


def _before(study: Study, extension: Row, name: str) -> int | None:
    """Return what the user first asked for, else what the arms have that were not extended; None: unknown."""
    request = study.description.get("request")
    others = [arm for arm in study.arms if arm.get("label") not in (extension.get("arms") or [])]
    counts = [request.get(name) if isinstance(request, dict) else None]
    counts += [arm.get(name) for arm in others if arm.get("search_trials")]
    fewer = [count for count in counts if isinstance(count, int) and count < (extension.get(name) or 0)]
    return fewer[0] if fewer else None
