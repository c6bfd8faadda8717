"""The verdict in words: sentences that a person reads, built from the figures of `judgement`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.budgets import within_budget
from analysis.judgement.verdicts import Verdict, judge
from analysis.statistics.differences import Difference
from analysis.units import show_bytes, show_count, show_seconds
from analysis.words.caveats import caveats
from analysis.words.evidence import evidence_sentence, is_searched
from analysis.words.groups import worst_group_sentences
from analysis.words.phrases import join_names, scored, shorten, show_score
from analysis.words.rivals import name_best_reference, rival_sentences

MOST_SENTENCES = 6
_LIMITS = {
    "train_seconds": lambda limit: f"training of at most {show_seconds(limit)}",
    "peak_memory_bytes": lambda limit: f"at most {show_bytes(limit)} of memory",
    "trainable_parameters": lambda limit: f"at most {show_count(limit)} trainable parameters",
}


def verdict_sentences(verdict: Verdict) -> list[str]:
    """Return the verdict: who may be best, what was asked for, what else shows, the gain over no training."""
    return [
        *_top(verdict),
        *_planned(verdict),
        *_exploratory(verdict),
        *_gain(verdict),
        *worst_group_sentences(verdict),
        *caveats(verdict),
    ]


def _top(verdict: Verdict) -> list[str]:
    best = verdict.rows[0]
    if len(verdict.rows) == 1:
        return [f"{scored(best)}; it is the only arm with scores, so there is nothing to compare."]
    if len({row.merit for row in verdict.rows}) == 1:
        names = join_names(shorten([row.name for row in verdict.rows]))
        return [f"{names} score alike ({show_score(best)})."]
    if max(row.repeats for row in verdict.rows) < 2:
        why = f"{_alone(best)} an arm, so no interval, can't say whether that is luck"
        return [f"{scored(best)} comes first, but {why}."]
    top = [row for row in verdict.rows if verdict.ranks[row.name].first == 1]
    found = ", as these searches found them" if leaves_search_out(verdict) else ""
    if len(top) == 1:
        return [f"{scored(top[0])} is the best of {len(verdict.rows)} arms{found}."]
    measure = verdict.task.primary.measure
    first, last = measure.write(*(row.primary.mean for row in (top[0], top[-1]) if row.primary))
    names = join_names(shorten([row.name for row in top]))
    # A main effect may yet set some of them apart.
    nothing = "Pair by pair nothing" if any(effect.is_clear for effect in verdict.effects) else "Nothing"
    return [
        f"{nothing} separates {names} at the top ({measure.name} {first} to {last}{measure.suffix}{found})."
    ]


def leaves_search_out(verdict: Verdict) -> bool:
    """Say whether the figures are those of configurations: some arm was searched once."""
    return any(row.unit == "seed" and is_searched(row.arm) for row in verdict.rows)


def _alone(row: ComparisonRow) -> str:
    return "one search and one model" if is_searched(row.arm) else "one training"


def _planned(verdict: Verdict) -> list[str]:
    """Return what the space asks for and is clear; where nothing is, what was asked, and the largest."""
    tested = [difference for difference in verdict.planned if difference.p is not None]
    if not tested:
        return []
    family = [] if verdict.is_planned else _no_plan(verdict)
    clear = sorted((d for d in tested if d.is_clear), key=lambda d: (not d.over, d.p_holm))
    if not clear:
        return [*family, *_nothing_clear(verdict, tested)]
    lines = [f"{evidence_sentence(d, verdict.rows)}." for d in clear[:MOST_SENTENCES]]
    if len(clear) > len(lines):
        lines.append(f"Of all {len(tested)} differences that were asked for {len(clear)} can be told apart.")
    return [*family, *lines]


def _no_plan(verdict: Verdict) -> list[str]:
    if len(verdict.rows) < 3:
        return []
    return ["No two arms differ in one compared factor alone: all pairs were tested together."]


def _nothing_clear(verdict: Verdict, tested: Sequence[Difference]) -> list[str]:
    largest = evidence_sentence(max(tested, key=lambda d: d.estimate.mean), verdict.rows)
    asked = join_names(shorten([f"{d.better} against {d.worse}" for d in tested], MOST_SENTENCES))
    if len(tested) == 1:
        return [f"Asked: {asked}. {largest}."]
    return [f"Asked: {asked}. None of the {len(tested)} could be told apart; the largest: {_lower(largest)}."]


def _exploratory(verdict: Verdict) -> list[str]:
    """Return what shows among the pairs that nobody asked for; never as a finding of its own."""
    clear = [difference for difference in verdict.exploratory if difference.is_clear]
    clear.sort(key=lambda d: -d.estimate.mean)
    lines = [f"Exploratory: {_lower(evidence_sentence(d, verdict.rows))}." for d in clear[:2]]
    if len(clear) > len(lines):
        pairs = len(verdict.exploratory)
        lines.append(f"Exploratory: of {pairs} pairs that the space doesn't ask for {len(clear)} differ.")
    return lines


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _gain(verdict: Verdict) -> list[str]:
    if verdict.reference is None:
        return []
    unclear = [row.name for row in verdict.rows if row.name not in verdict.shown_to_gain]
    untrained = name_best_reference(verdict)
    found = ", as these searches found them" if leaves_search_out(verdict) else ""
    if not unclear:
        return [f"All arms beat {untrained}{found}.", *rival_sentences(verdict)]
    said = f"Not shown to beat {untrained}{found}: {join_names(shorten(unclear))}."
    return [said, *rival_sentences(verdict)]


def budget_sentence(verdict: Verdict, kept: Sequence[ComparisonRow], limits: Mapping[str, float]) -> str:
    """Return the best arm among those within the limits, and those that share its place."""
    under = join_names([_LIMITS[cost](limit) for cost, limit in limits.items()])
    if not kept:
        return f"No arm keeps to {under}."
    best = kept[0]
    equal = [row.name for row in kept[1:] if not verdict.pair(best.name, row.name).is_clear]
    tied = f", which can't be told apart from {join_names(shorten(equal))}" if equal else ""
    left_out = [row.name for row in verdict.rows if row not in kept]
    beyond = f" Beyond it: {join_names(left_out)}." if left_out else ""
    return f"Best with {under}: {scored(best)}{tied}.{beyond}"


def say(comparison: Comparison, limits: Mapping[str, float] | None = None) -> list[str]:
    """Return the verdict as sentences, and the best arm under `limits` (cost -> most of it)."""
    return say_verdicts(judge(comparison), limits)


def say_verdicts(verdicts: Sequence[Verdict], limits: Mapping[str, float] | None = None) -> list[str]:
    """Return the same from verdicts at hand: those of many arms take seconds."""
    lines = [] if verdicts else ["No trained arm has scores yet: there is nothing to compare."]
    if len(verdicts) > 1:
        lines.append(f"{len(verdicts)} sets of test questions: arms are compared within a set only.")
    for verdict in verdicts:
        lines += verdict_sentences(verdict)
        if limits:
            kept = [row for row in verdict.rows if within_budget(row, limits)]
            lines.append(budget_sentence(verdict, kept, limits))
    return lines
