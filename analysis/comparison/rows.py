"""The comparison of arms as figures: one row an arm, with every metric, cost and count. Pure; no text layout.

The terminal table, the Markdown, LaTeX, HTML and CSV ones and the report are all drawn from these rows.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analysis.arms.arm import Arm, name_arms
from analysis.arms.costs import Cost, TrainingTimes, find_costs, training_times
from analysis.arms.pooling import pool_arms
from analysis.arms.scores import MEANS, SHARES
from analysis.comparison.paper import PaperRow, paper_row
from analysis.comparison.scales import perplexity_scale
from analysis.reading.folders import Study
from analysis.searching.spending import PRUNED, Saving, saving, saving_sentence
from analysis.statistics.intervals import Estimate, mean_interval, perplexity_interval, share_interval


@dataclass(frozen=True)
class ComparisonRow:
    """One arm's figures.

    Attributes:
        name: distinct among the rows.
        repeats: replicates with scores, or seeds where the arm was searched once (`unit` says which);
            `planned` those that were planned, None where unknown.
        trials: confirm trials with scores.
        unfinished: confirm trials that ended otherwise, by status.
        estimates: metric -> mean and interval; % for shares and similarity, 0-1 for rouge1. What was not
            measured is absent.
        costs: cost -> its values over the repeats; seconds, bytes. What was not measured is absent.
        perplexity_scale: a letter; perplexities with different letters can't be compared.
        question_set: a letter; rows with different letters were scored on different questions.
        times: how training times can be compared among the rows of its question set.
    """

    name: str
    arm: Arm
    repeats: int
    unit: str
    planned: int | None
    trials: int
    questions: int
    unfinished: Mapping[str, int]
    estimates: Mapping[str, Estimate]
    costs: Mapping[str, Cost]
    perplexity_scale: str | None
    question_set: str | None
    paper: PaperRow | None
    times: TrainingTimes = field(default_factory=TrainingTimes)

    @property
    def is_reference(self) -> bool:
        """Whether nothing was trained: the zero-shot row and the floors."""
        return self.arm.is_reference

    @property
    def is_short(self) -> bool:
        """Whether fewer trials were scored than planned."""
        return self.arm.planned_trials is not None and self.trials < self.arm.planned_trials


@dataclass(frozen=True)
class Comparison:
    """The rows of a comparison, and the sentences that belong under it."""

    rows: list[ComparisonRow]
    notes: list[str]


def comparison(studies: Sequence[Study]) -> Comparison:
    """Return the figures of every arm of `studies`: arms in their planned order, reference rows last."""
    arms, pooled = pool_arms(studies)
    arms.sort(key=lambda arm: arm.is_reference)
    scales = _letters([perplexity_scale(arm) for arm in arms])
    sets = _letters([arm.scores.questions.tobytes() if arm.scores else None for arm in arms])
    names = name_arms(arms)
    rows = _time([_row(*parts) for parts in zip(arms, names, scales, sets, strict=True)])
    return Comparison(rows, [*pooled, *_notes(studies, rows)])


def _time(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """Say of each row how its training times compare with those of the rows that it is judged with."""
    sets = {row.question_set for row in rows}
    times = {own: training_times([row.arm for row in rows if row.question_set == own]) for own in sets}
    return [replace(row, times=times[row.question_set]) for row in rows]


def _row(arm: Arm, name: str, scale: str | None, question_set: str | None) -> ComparisonRow:
    scores = arm.scores
    return ComparisonRow(
        name=name,
        arm=arm,
        repeats=scores.repeats if scores else 0,
        unit=arm.unit,
        planned=arm.planned,
        trials=len(arm.scored_trials),
        questions=len(scores.questions) if scores else 0,
        unfinished=dict(arm.unfinished),
        estimates=_score_estimates(arm),
        costs=find_costs(arm),
        perplexity_scale=scale,
        question_set=question_set,
        paper=paper_row(arm),
    )


def _score_estimates(arm: Arm) -> dict[str, Estimate]:
    if arm.scores is None:
        return {}
    matrices, fixed = arm.scores.matrices, arm.is_reference
    found = {name: share_interval(matrices[name], fixed).scaled(100) for name in SHARES if name in matrices}
    found |= {name: mean_interval(matrices[name], fixed) for name in MEANS if name in matrices}
    if "nll" in matrices and "tokens" in matrices and matrices["tokens"].sum() > 0:
        found["perplexity"] = perplexity_interval(matrices["nll"], matrices["tokens"], fixed)
    return found


def _letters(keys: Sequence[bytes | None]) -> list[str | None]:
    order: dict[bytes, str] = {}
    for key in keys:
        if key is not None:
            order.setdefault(key, _letter(len(order)))
    return [None if key is None else order[key] for key in keys]


def _letter(index: int) -> str:
    """Return a, b, ... z, aa, ab, ...: no two alike."""
    more, last = divmod(index, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + last)


def _notes(studies: Sequence[Study], rows: Sequence[ComparisonRow]) -> list[str]:
    running = [study.name for study in studies if study.is_running]
    notes = [f"{name} is still running, or was stopped before its end." for name in running]
    notes += _repeat_notes(rows) + _comparability_notes(rows)
    saved = saving_sentence(sum((saving(row.arm.search) for row in rows), Saving()))
    notes += [saved] if saved else []
    return notes + exclusion_notes(studies)


def exclusion_notes(studies: Sequence[Study], most: int = 5) -> list[str]:
    """Return a sentence for each file or trial that was left out; beyond `most` they are counted."""
    notes = [note for study in studies for note in _left_out_of(study)]
    rest = len(notes) - most
    return notes if rest <= 0 else [*notes[:most], f"Left out besides: {rest} more."]


def _left_out_of(study: Study) -> list[str]:
    """Return a sentence for each thing left out of a study, and one for all answers that are gone."""
    gone = [one for one in study.exclusions if one.reason == "missing" and "/predictions/" in one.what]
    notes = [f"Left out: {exclusion}." for exclusion in study.exclusions if exclusion not in gone]
    if gone:
        what, them = (
            (f"1 trial ({gone[0].what})", "it") if len(gone) == 1 else (f"{len(gone)} trials", "them")
        )
        again = f"python -m study.run --resume {shlex.quote(str(study.root))} runs {them} again"
        notes.insert(0, f"Left out, for predictions that are missing: {what}; {again}.")
    return notes


def _repeat_notes(rows: Sequence[ComparisonRow]) -> list[str]:
    notes = []
    for unit in ("replicate", "seed"):
        own = [row for row in rows if row.unit == unit and not row.is_reference]
        single = ", ".join(row.name for row in own if row.repeats == 1)
        double = ", ".join(row.name for row in own if row.repeats == 2)
        notes += [f"No interval: one {unit} only ({single})."] if single else []
        if double:
            notes.append(f"Wide intervals: two {unit}s say little of how {unit}s differ ({double}).")
    for row in rows:
        if row.unfinished or row.is_short:
            notes.append(f"{row.name}: {_shortfall(row)}.")
        if (short := _search_shortfall(row.arm)) is not None:
            notes.append(f"{row.name}: {short}.")
    return notes


def _shortfall(row: ComparisonRow) -> str:
    planned = "" if row.arm.planned_trials is None else f" of {row.arm.planned_trials}"
    return f"{row.trials}{planned} confirm trials scored{_show_ends(row.unfinished)}"


def _search_shortfall(arm: Arm) -> str | None:
    """Return how many planned search trials have no result; None where all have. One stopped early has."""
    ends = Counter(str(row.get("status")) for row in arm.search)
    finished = ends.pop("complete", 0) + ends.pop(PRUNED, 0)
    if not arm.planned_search or finished >= arm.planned_search:
        return None
    return f"{finished} of {arm.planned_search} search trials finished{_show_ends(ends)}"


def _show_ends(ends: Mapping[str, int]) -> str:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(ends.items()))
    return f" ({counts})" if counts else ""


def _comparability_notes(rows: Sequence[ComparisonRow]) -> list[str]:
    notes = []
    if len({row.perplexity_scale for row in rows if "perplexity" in row.estimates}) > 1:
        notes.append(
            "Perplexities with different letters can't be compared: other targets or another tokenizer."
        )
    if len({row.question_set for row in rows} - {None}) > 1:
        notes.append("Not all rows were scored on the same questions: those that weren't are not compared.")
    return notes
