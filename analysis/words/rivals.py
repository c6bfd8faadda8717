"""Whether fine-tuning is needed: beside prompting, and beside what is no language model."""

from __future__ import annotations

from analysis.comparison.rows import ComparisonRow
from analysis.judgement.verdicts import Verdict
from analysis.words.phrases import join_names, scored, shorten


def name_best_reference(verdict: Verdict) -> str:
    """Return the best row in which no language model was trained, in words."""
    # The rival of other tasks is trained, though no language model is.
    what = "training" if verdict.task.is_math else "fine-tuning"
    return f"the best row without {what} ({verdict.reference})"


def rival_sentences(verdict: Verdict) -> list[str]:
    """Return what is not shown to beat the rival or few-shot prompting; nothing where every arm does."""
    return [said for row in verdict.tested_rivals if (said := _beside(verdict, row)) is not None]


def _beside(verdict: Verdict, reference: ComparisonRow) -> str | None:
    behind = verdict.not_shown_to_beat(reference.name)
    if not behind:
        return None
    if len(behind) == len(verdict.rows) and _is_ahead(verdict, reference):
        return _not_needed(reference)
    what = "is no language model" if reference.arm.is_rival else "prompts the untrained model"
    return f"Not shown to beat {scored(reference)}, which {what}: {join_names(shorten(behind))}."


def _is_ahead(verdict: Verdict, reference: ComparisonRow) -> bool:
    return reference.merit >= verdict.rows[0].merit


def _not_needed(reference: ComparisonRow) -> str:
    if reference.arm.is_rival:
        return f"No language model is needed: {scored(reference)} is beaten by no arm."
    return f"No fine-tuning is needed: prompting alone, {scored(reference)}, is beaten by no arm."


def nothing_beats(verdict: Verdict) -> str:
    """Return why no arm can be recommended where none is shown to beat the best reference row."""
    best = next((row for row in verdict.tested_rivals if row.name == verdict.reference), None)
    follows = f" {_not_needed(best)}" if best is not None and _is_ahead(verdict, best) else ""
    return f"Nothing can be recommended: no arm is shown to beat {name_best_reference(verdict)}.{follows}"
