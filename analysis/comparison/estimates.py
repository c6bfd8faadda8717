"""A score of a task with its interval: Wilson's of a share, Student's of a mean."""

from __future__ import annotations

from analysis.reading.tasks import Score
from analysis.statistics.intervals import Estimate, Matrix, mean_interval, share_interval


def estimate_score(matrix: Matrix, score: Score, fixed: bool) -> Estimate:
    """Return a score with its interval, in its unit.

    The interval of a mean ends where the score's range does. Without any variance in the data a mean has
    none: it would say that nothing is uncertain.

    Args:
        matrix: repeats x questions, as `Scores` has it.
        score: which score it is.
        fixed: whether there is nothing that a repeat could change.
    """
    if score.is_share:
        return share_interval(matrix, fixed).scaled(100)
    found = mean_interval(matrix, fixed).within(score.low, score.high)
    return Estimate(found.mean) if found.low == found.high else found
