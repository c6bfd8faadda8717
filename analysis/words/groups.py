"""How an arm does by group, in words."""

from __future__ import annotations

from analysis.comparison.groups import FEWEST_QUESTIONS, Groups
from analysis.counts import count_of
from analysis.judgement.verdicts import Verdict
from analysis.printable import printable
from analysis.words.phrases import show_estimate


def worst_group_sentences(verdict: Verdict) -> list[str]:
    """Return on which group the best arm does worst; nothing where questions have no groups."""
    groups, best = verdict.groups, verdict.rows[0].name
    worst = groups.worst(best) if groups and best in groups.overall else None
    if groups is None or worst is None:
        return []
    measure = groups.score.measure
    shown = show_estimate(worst.estimates[best], measure)
    return [
        f"By group {best} does worst on {name_group(worst.name)} ({measure.name} {shown}; "
        f"{count_of(worst.questions, 'question')}), beside {measure.show(groups.overall[best].mean)} over "
        "all."
    ]


def name_group(name: str, most: int = 60) -> str:
    """Return a group's name in quotes, short and on one line, for the data wrote it."""
    text = " ".join(printable(name).split())
    return f"'{text if len(text) <= most else f'{text[: most - 1]}…'}'"


def explain_groups(groups: Groups, primary: str) -> str:
    """Return the sentences under a table of groups."""
    measure = groups.score.measure
    lines = [f"{measure.name[:1].upper()}{measure.name[1:]} by group."]
    if measure.name != primary:
        lines = [f"{measure.name} by group, for {primary} is no mean over questions."]
    lines.append(
        f"Bold: each arm's worst group, of those with {FEWEST_QUESTIONS} questions or more. The worst of "
        "several is partly the unluckiest: its interval is not corrected for that."
    )
    if groups.left_out:
        lines.append(f"{count_of(groups.left_out, 'smaller group')} left out.")
    return " ".join(lines)
