"""The scores of an arm as matrices, one row a repeat and one column a question: what the statistics work on.

A repeat is a replicate (a whole search), or a seed where an arm was searched once (see `arm`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.reading.agreement import disagreement
from analysis.reading.folders import Study
from analysis.reading.tasks import Task
from analysis.statistics.intervals import Matrix

Values = dict[str, np.ndarray]
ANSWERED = "answered"


@dataclass(frozen=True)
class TrialScores:
    """Per-question scores of trials that answered the same questions.

    Attributes:
        trials: the trials' ids, one a row of the matrices.
        questions: the columns' ids, sorted.
        matrices: metric -> trials x questions. A metric that was not computed for every answer is absent.
            Shares are zeros and ones; a mean is in its unit, or a question's jackknife value where the score
            is an aggregate; `rouge1` is 0-1, `similarity` %, `nll` nats, `tokens` target tokens.
    """

    trials: list[str]
    questions: np.ndarray
    matrices: Mapping[str, Matrix]


@dataclass(frozen=True)
class Scores:
    """Per-question scores of an arm, in the units of `TrialScores`.

    Attributes:
        questions: the columns' ids, sorted.
        matrices: metric -> repeats x questions; a repeat with several trials has their means.
        names: what each row is, as `average` was told.
    """

    questions: np.ndarray
    matrices: Mapping[str, Matrix]
    names: tuple[Hashable, ...]

    @property
    def repeats(self) -> int:
        """Repeats that are scored."""
        return len(self.names)


def average(scored: TrialScores, repeats: Mapping[str, Hashable]) -> Scores:
    """Return the mean over the trials of each repeat.

    Args:
        repeats: trial -> the repeat that it belongs to; trials that it leaves out don't count.
    """
    places = {trial: place for place, trial in enumerate(scored.trials)}
    rows: dict[Hashable, list[int]] = {}
    for trial, repeat in repeats.items():
        rows.setdefault(repeat, []).append(places[trial])
    matrices = {
        metric: np.stack([matrix[own].mean(axis=0) for own in rows.values()])
        for metric, matrix in scored.matrices.items()
    }
    return Scores(scored.questions, matrices, tuple(rows))


def join_scores(parts: Sequence[TrialScores]) -> TrialScores:
    """Return several studies' scores on the same questions as one; a trial that several hold counts once."""
    first: dict[str, tuple[TrialScores, int]] = {}
    for part in parts:
        for row, trial in enumerate(part.trials):
            first.setdefault(trial, (part, row))
    metrics = [metric for metric in parts[0].matrices if all(metric in part.matrices for part in parts)]
    matrices = {
        metric: np.stack([part.matrices[metric][row] for part, row in first.values()]) for metric in metrics
    }
    return TrialScores(list(first), parts[0].questions, matrices)


def read_scores(study: Study, trials: Sequence[str]) -> TrialScores | None:
    """Return the scores of those of `trials` that can be read, agree with their rows, and have one set of
    questions.

    Where trials of an arm answered different questions, those with the commonest set count; the others
    become exclusions. None where no trial can be read.
    """
    found = _read_answers(study, trials)
    read: dict[str, tuple[np.ndarray, Values]] = {}
    order = None
    sources = _sources(study.task)
    for trial, table in found.items():
        # The trials of an arm are asked the same questions in the same order: it is found once.
        if order is None or not order.fits(table):
            order = _Order(table["question_id"])
        read[trial] = (order.questions, _values(table, sources, order.places))
    if not read:
        return None
    sets = {trial: questions.tobytes() for trial, (questions, _) in read.items()}
    commonest, _ = Counter(sets.values()).most_common(1)[0]
    kept = [trial for trial in read if sets[trial] == commonest]
    for trial in (trial for trial in read if sets[trial] != commonest):
        study.exclude(f"trial {trial}", "scored on other questions than its arm's other trials")
    rows = [read[trial][1] for trial in kept]
    names = [name for name in rows[0] if all(name in row for row in rows)]
    matrices = {name: np.stack([row[name] for row in rows]) for name in names}
    return TrialScores(kept, read[kept[0]][0], matrices)


def _sources(task: Task) -> dict[str, str]:
    """Return metric -> the predictions' column that it is read from."""
    beside = {ANSWERED: task.answer, **{name: name for name in (*task.means, "nll", "tokens")}}
    return {**beside, **{score.name: score.column for score in task.scores}}


def _read_answers(study: Study, trials: Sequence[str]) -> dict[str, pa.Table]:
    """Return trial -> its answers, where there are some that its row can have been made from."""
    wanted = set(trials)
    rows = {row["trial"]: row for row in study.trials if row["trial"] in wanted}
    found = {}
    columns = dict.fromkeys(("trial", "question_id", *_sources(study.task).values()))
    tables = study.read_many("predictions", trials, list(columns))
    for trial, table in zip(trials, tables, strict=True):
        if table is None:
            continue
        row = rows.get(trial, {"trial": trial})
        if why := disagreement(row, table, study.task) or _unscored(table, study.task):
            study.exclude_file("predictions", trial, why)
        elif table.num_rows:
            found[trial] = table
    return found


def read_texts(
    study: Study, trial: str, columns: Sequence[str]
) -> tuple[np.ndarray, dict[str, list[str | None]]] | None:
    """Return a trial's questions, sorted, and columns of text in their order; None where there are none."""
    table = study.read("predictions", trial, ["question_id", *columns])
    if table is None or not table.num_rows:
        return None
    order = _Order(table["question_id"])
    places = pa.array(order.places)
    return order.questions, {name: table[name].take(places).to_pylist() for name in columns}


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


def _unscored(table: pa.Table, task: Task) -> str | None:
    """Return why a trial's answers have no primary score; None where each has, or where tables say it."""
    if (
        task.is_math
        or not table.num_rows
        or _numbers(table[task.primary.column], task.primary.name) is not None
    ):
        return None
    return f"lacks {task.primary.name} (column {task.primary.column}) of a question, by which the study goes"


def _values(table: pa.Table, sources: Mapping[str, str], places: np.ndarray) -> Values:
    values = {name: _numbers(table[column], name) for name, column in sources.items()}
    return {name: value[places] for name, value in values.items() if value is not None}


def _numbers(column: pa.ChunkedArray, name: str) -> np.ndarray | None:
    if name == ANSWERED and not pa.types.is_boolean(column.type) and not pa.types.is_floating(column.type):
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
