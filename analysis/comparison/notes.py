"""The notes under a comparison: what is still running, too few, left out, or can't be compared."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.arms.arm import Arm
from analysis.comparison.rows import ComparisonRow
from analysis.counts import count_each
from analysis.reading.folders import Study
from analysis.searching.spending import PRUNED, Saving, saving, saving_sentence


def notes_on(studies: Sequence[Study], rows: Sequence[ComparisonRow]) -> list[str]:
    """Return the notes under the rows of a comparison, what was left out of the studies last."""
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
    return f" ({count_each(ends)})" if ends else ""


def _comparability_notes(rows: Sequence[ComparisonRow]) -> list[str]:
    notes = []
    if len({row.perplexity_scale for row in rows if "perplexity" in row.estimates}) > 1:
        notes.append(
            "Perplexities with different letters can't be compared: other targets or another tokenizer."
        )
    if len({row.question_set for row in rows} - {None}) > 1:
        notes.append("Not all rows were scored on the same questions: those that weren't are not compared.")
    return notes
