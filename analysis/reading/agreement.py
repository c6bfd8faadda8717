"""Whether a trial's answers are those that its row was made from: files are cut off, copied and edited."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analysis.counts import count_of
from analysis.reading.kinds import ACCURACIES

# Points by which a share in a row may be rounded.
ROUNDING = 0.05


def disagreement(row: dict[str, Any], answers: pa.Table) -> str | None:
    """Return why a trial's answers can't be those that its row was made from; None if they can.

    What the row or the answers don't say (of an older study, or a metric that was not computed) is not held
    against them.
    """
    return _other_trial(row, answers) or _other_count(row, answers) or _other_shares(row, answers)


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


def _other_shares(row: dict[str, Any], answers: pa.Table) -> str | None:
    for share, column in ACCURACIES.items():
        said, found = row.get(share), _percent(answers[column])
        if said is not None and found is not None and not abs(said - found) <= ROUNDING:
            return f"comes to {share} {found:.1f}%, and its trial's row says {said:.1f}%"
    return None


def _percent(flags: pa.ChunkedArray) -> float | None:
    if not pa.types.is_boolean(flags.type) or flags.null_count or not len(flags):
        return None
    return 100 * float(pc.mean(flags).as_py())
