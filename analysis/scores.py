"""The scores of an arm as matrices, one row a seed and one column a question: what the statistics work on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.folders import Study
from analysis.intervals import Matrix

SHARES = {
    "accuracy": "correct",
    "accuracy_strict": "correct_strict",
    "accuracy_lenient": "correct_lenient",
    "accuracy_lm_eval_strict": "correct_lm_eval_strict",
    "accuracy_lm_eval_flexible": "correct_lm_eval_flexible",
    "answered": "number",
}
MEANS = ("rouge1", "similarity")
Values = dict[str, np.ndarray]
_COLUMNS = ("question_id", *SHARES.values(), *MEANS, "nll", "tokens")


@dataclass(frozen=True)
class Scores:
    """Per-question scores: `questions` are the columns' ids, sorted; `matrices` metric -> seeds x questions.

    A metric that was not computed for every answer is absent. Shares are zeros and ones; `rouge1` is
    0-1, `similarity` %, `nll` nats, `tokens` target tokens.
    """

    questions: np.ndarray
    matrices: Mapping[str, Matrix]

    @property
    def seeds(self) -> int:
        """Seeds that are scored."""
        return len(next(iter(self.matrices.values()))) if self.matrices else 0

    @property
    def same_targets_key(self) -> bytes | None:
        """The same for arms whose targets have equally many tokens at each question: one scale."""
        tokens = self.matrices.get("tokens")
        return None if tokens is None else self.questions.astype("S").tobytes() + tokens[0].tobytes()


def read_scores(study: Study, trials: Sequence[str]) -> tuple[Scores | None, list[str]]:
    """Return the scores of those of `trials` that can be read and answered the same questions, and their ids.

    Where trials of an arm answered different questions, those with the commonest set count; the others
    become exclusions.
    """
    tables = zip(trials, study.read_many("predictions", trials, _COLUMNS), strict=True)
    found = {trial: table for trial, table in tables if table is not None and table.num_rows}
    read: dict[str, tuple[np.ndarray, Values]] = {}
    order = None
    for trial, table in found.items():
        # The seeds of an arm are asked the same questions in the same order: it is found once.
        if order is None or not order.fits(table):
            order = _Order(table["question_id"])
        read[trial] = (order.questions, _values(table, order.places))
    if not read:
        return None, []
    sets = {trial: questions.tobytes() for trial, (questions, _) in read.items()}
    commonest, _ = Counter(sets.values()).most_common(1)[0]
    kept = [trial for trial in read if sets[trial] == commonest]
    for trial in (trial for trial in read if sets[trial] != commonest):
        study.exclude(f"trial {trial}", "scored on other questions than its arm's other trials")
    rows = [read[trial][1] for trial in kept]
    names = [name for name in rows[0] if all(name in row for row in rows)]
    return Scores(read[kept[0]][0], {name: np.stack([row[name] for row in rows]) for name in names}), kept


class _Order:
    """The questions of a trial, sorted and distinct, and the places of its rows in that order."""

    def __init__(self, column: pa.ChunkedArray):
        self._column = column
        questions = _distinct(column.to_numpy(zero_copy_only=False).astype(str))
        self.places = np.argsort(questions, kind="stable")
        self.questions = questions[self.places]

    def fits(self, table: pa.Table) -> bool:
        """Say whether a table has the same questions in the same rows."""
        return bool(self._column.equals(table["question_id"]))


def _values(table: pa.Table, places: np.ndarray) -> Values:
    values = {name: _numbers(table[column], name) for name, column in _sources().items()}
    return {name: value[places] for name, value in values.items() if value is not None}


def _sources() -> dict[str, str]:
    return {**SHARES, **{name: name for name in (*MEANS, "nll", "tokens")}}


def _numbers(column: pa.ChunkedArray, name: str) -> np.ndarray | None:
    if name == "answered":
        return pc.is_valid(column).to_numpy().astype(np.float64) if column.type != pa.null() else None
    if column.null_count:
        return None
    values = pc.cast(column, pa.float64()).to_numpy()
    # A likelihood that overflowed is no figure: the metric is absent, as where it was not computed.
    return values if np.isfinite(values).all() else None


def _distinct(questions: np.ndarray) -> np.ndarray:
    # A data set may ask the same question twice; the second time is another column.
    if len(np.unique(questions)) == len(questions):
        return questions
    seen: dict[str, int] = {}
    names = []
    for question in questions.tolist():
        seen[question] = seen.get(question, 0) + 1
        names.append(question if seen[question] == 1 else f"{question}#{seen[question]}")
    return np.array(names)
