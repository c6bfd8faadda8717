"""Which figures there are: those that the results have data for, and why others are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.comparison.rows import Comparison
from analysis.judgement.verdicts import Verdict
from analysis.pictures.figures import (
    Chart,
    DifferenceMatrix,
    difference_matrix,
    score_by_method,
    score_by_prompt,
    score_by_rank,
)
from analysis.pictures.pareto import pareto_charts, time_conflict
from analysis.pictures.search import expected_best_chart, learning_charts, slice_charts
from analysis.searching.best_of import too_few_sentence


def figures(comparison: Comparison, verdicts: Sequence[Verdict]) -> list[Chart | DifferenceMatrix]:
    """Return every figure that the results have data for, in the order of a report."""
    found = [score_by_method(comparison), score_by_prompt(comparison), score_by_rank(comparison)]
    found += pareto_charts(comparison, verdicts)
    matrices = [matrix for verdict in verdicts if (matrix := difference_matrix(verdict)) is not None]
    later = [expected_best_chart(comparison), *slice_charts(comparison), *learning_charts(comparison)]
    return [figure for figure in (*found, *_numbered(matrices), *later) if figure is not None]


def not_drawn(comparison: Comparison) -> list[str]:
    """Return a sentence for each figure that is left out although the results have something of it."""
    searched = comparison.searched
    few = (
        too_few_sentence([row.arm for row in searched], [row.name for row in searched]) if searched else None
    )
    return [sentence for sentence in (time_conflict(comparison), few) if sentence is not None]


def _numbered(matrices: Sequence[DifferenceMatrix]) -> list[DifferenceMatrix]:
    # One set of test questions has one matrix; several need names of their own.
    return [
        replace(matrix, name=f"{matrix.name}-{index}" if index else matrix.name)
        for index, matrix in enumerate(matrices)
    ]
