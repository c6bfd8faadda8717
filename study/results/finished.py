"""Which trials a study that goes on need not run again: those whose rows and answers are whole.

The answers of a confirm trial are its score to the analysis, so they are looked for: by their number, which a
Parquet file's end tells. Those of a search trial are not, for the search goes by its row alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.methods.table import trained_methods
from study.results import row_files
from study.results.folder import ResultsFolder
from study.results.row_journal import Notes, add_notes
from study.workplace import available_cpus

Row = Mapping[str, Any]

# What the search, the display and the record of the search ask of a finished trial.
RESUMED_COLUMNS = (
    ("arm", "replicate", "method", "stage", "status", "reason", "search_number", "search_score")
    + ("rung_losses", "score", "accuracy", "train_steps", "planned_steps", "busy_seconds", "log")
    + ("config_json", "questions")
)  # fmt: skip
NOTED_COLUMNS = ("trial", *RESUMED_COLUMNS)


def read_finished(folder: ResultsFolder) -> dict[str, Row]:
    """Return the rows that a resumed study need not run again, by trial, with the columns that it goes by.

    Failed trials are among them, unless no training finished at all: then they are tried again, for
    whatever stopped the study is taken to be mended.
    """
    # At an address the time goes into the requests: there are no notes.
    notes = None if folder.is_remote else Notes(folder.root, NOTED_COLUMNS)
    rows = [row for row in folder.read_trials(RESUMED_COLUMNS, notes) if _has_its_scores(row)]
    damaged = _without_answers(folder, rows)
    rows = [row for row in rows if row["trial"] not in damaged]
    trained = any(row["method"] in trained_methods() and row["status"] == "complete" for row in rows)
    return {row["trial"]: row for row in rows if trained or row["status"] != "failed"}


def read_ended(folder: ResultsFolder, trial_id: str, columns: Sequence[str] = ()) -> Row | None:
    """Return the row of a trial that has just ended, and note what a resume asks of it.

    Args:
        columns: what to read besides RESUMED_COLUMNS.

    Returns:
        None if there is no row that can be read.
    """
    content = folder.read_content(trial_id)
    names = [*dict.fromkeys((*NOTED_COLUMNS, *columns))]
    row = None if content is None else row_files.read_row(content, trial_id, names)
    if content is not None and row is not None and not folder.is_remote:
        add_notes(folder.root, NOTED_COLUMNS, [(content, row)])
    return row


def forget_unfinished(folder: ResultsFolder, finished: Mapping[str, Row]) -> None:
    """Delete the rows of failed or damaged trials that run again: they would pass for the new ones."""
    for trial in set(folder.trial_ids()) - finished.keys():
        if folder.read_trial(trial, ["status"]) is not None:
            folder.forget_trial(trial)


def note_finished(folder: ResultsFolder, finished: Mapping[str, Row]) -> None:
    """Note for the next resume the rows that have no note yet.

    They are of an earlier version, or their driver was killed before it read them.
    """
    if folder.is_remote:
        return
    unnoted = sorted(finished.keys() - Notes(folder.root, NOTED_COLUMNS).trials)
    contents = ((folder.read_content(trial), finished[trial]) for trial in unnoted)
    add_notes(folder.root, NOTED_COLUMNS, [(c, row) for c, row in contents if c is not None])


def missing_parts(folder: ResultsFolder, finished: Mapping[str, Row]) -> list[str]:
    """Return a line for the user where trials are recorded whose predictions or history are not there.

    So it is in a copy that was made while the study ran: a row is written last, and may be copied first.
    """
    answered, logged = (set(folder.trial_ids(table)) for table in ("predictions", "history"))
    again = [
        trial
        for trial in set(folder.trial_ids()) - finished.keys() - answered
        if (folder.read_trial(trial, ["status"]) or {}).get("status") == "complete"
    ]
    complete = [row for row in finished.values() if row["status"] == "complete"]
    unanswered = sum(bool(row["questions"]) and row["trial"] not in answered for row in complete)
    unlogged = sum(bool(row["train_steps"]) and row["trial"] not in logged for row in complete)
    parts = [f"{len(again)} without predictions run again"] if again else []
    parts += [f"{unanswered} of a search stay without predictions"] if unanswered else []
    parts += [f"{unlogged} stay without a history"] if unlogged else []
    if not parts:
        return []
    return [
        f"of the trials on record, {', '.join(parts)}: they were deleted, or the folder was copied while the "
        "study ran; then stop, and copy it again"
    ]


def _has_its_scores(row: Row) -> bool:
    """Tell whether the search can go by a row: one that says it is complete, without a score, is damaged."""
    wanted = [primary_score(row), *([row["search_score"]] if row["stage"] == "search" else [])]
    return row["status"] != "complete" or None not in wanted


def primary_score(row: Row) -> Any:
    """Return a row's primary score, or None; of a row from before there were others, its accuracy."""
    score = row.get("score")
    return row.get("accuracy") if score is None else score


def _without_answers(folder: ResultsFolder, rows: Iterable[Row]) -> set[str]:
    """Return the confirm trials whose answers are gone, or are more or fewer than were scored.

    At an address the answers are listed and not opened: each would cost a request.
    """
    scored = {
        row["trial"]: row["questions"]
        for row in rows
        if row["stage"] != "search" and row["status"] == "complete"
    }
    gone = scored.keys() - set(folder.trial_ids("predictions"))
    if folder.is_remote:
        return gone

    def has_others(trial: str) -> bool:
        asked = scored[trial]
        return asked is not None and _count_answers(folder, trial) != asked

    with ThreadPoolExecutor(available_cpus()) as readers:
        known = sorted(scored.keys() - gone)
        return gone | {t for t, is_so in zip(known, readers.map(has_others, known), strict=True) if is_so}


def _count_answers(folder: ResultsFolder, trial: str) -> int | None:
    path = folder.table_path("predictions", trial)
    try:
        return pq.read_metadata(path).num_rows if path.is_file() else None
    except (OSError, pa.ArrowException):
        return None
