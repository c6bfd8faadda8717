"""Whether a trial's answers are those that its row was made from: files are cut off, copied and edited."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.counts import count_of
from analysis.reading.tasks import MATH, Score, Task

# Points by which a share in a row may be rounded; of another score as much of its range.
ROUNDING = 0.05


def disagreement(row: dict[str, Any], answers: pa.Table, task: Task = MATH) -> str | None:
    """Return why a trial's answers can't be those that its row was made from; None if they can.

    What the row or the answers don't say (of an older study, or a metric that was not computed) is not held
    against them.
    """
    return _other_trial(row, answers) or _other_count(row, answers) or _other_scores(row, answers, task)


def _other_trial(row: dict[str, Any], answers: pa.Table) -> str | None:
    known = answers["trial"].drop_null()
    others = [trial for trial in known.unique().to_pylist() if trial != row["trial"]]
    return f"holds answers of another trial ({others[0]})" if others else None


def _other_count(row: dict[str, Any], answers: pa.Table) -> str | None:
    asked, found = row.get("questions"), answers.num_rows
    if asked is None or asked == found:
        return None
    distinct = pc.count_distinct(answers["question_id"]).as_py()
    twice = f", {found - distinct} of them to a question that has one already" if distinct < found else ""
    return f"holds {count_of(found, 'answer')}{twice}, and its trial was asked {count_of(asked, 'question')}"


def _other_scores(row: dict[str, Any], answers: pa.Table, task: Task) -> str | None:
    for score in task.scores:
        said, found = row.get(score.name), _mean(answers[score.column], score)
        if said is None or found is None or abs(said - found) <= _rounding(score, said):
            continue
        shown = ("{:.1f}%" if score.is_share else "{:.6g}" + score.measure.suffix).format
        return f"comes to {score.name} {shown(found)}, and its trial's row says {shown(said)}"
    return None


def _rounding(score: Score, said: float) -> float:
    if score.low is not None and score.high is not None:
        return ROUNDING / 100 * (score.high - score.low)
    return ROUNDING / 100 * abs(said) + 1e-9


def _mean(column: pa.ChunkedArray, score: Score) -> float | None:
    """Return the mean of a score's column in the score's unit; None where that is not known."""
    is_kind = pa.types.is_boolean if score.is_share else pa.types.is_floating
    if not is_kind(column.type) or column.null_count or not len(column):
        return None
    return score.factor * float(pc.mean(column).as_py())
