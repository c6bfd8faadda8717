"""The predictions as the report's browser holds them: columns in compressed blocks; 200,000 fit a page.

A question and its reference are stored once. A block is JSON, gzip, base64: nothing in it can end a script
element, and the page reads block after block without freezing.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from analysis.arms.arm import Arm
from analysis.comparison.rows import ComparisonRow
from analysis.page.answers import Answer, answer_columns, describe_task, read_answer
from analysis.reading.folders import Row
from analysis.reading.tasks import MATH, Task
from analysis.searching.choices import name_replicate

MOST_PREDICTIONS = 200_000
BLOCK_ROWS = 10_000


@dataclass
class Browser:
    """What the page's browser holds.

    Attributes:
        head: JSON of the arms, their trials, and the questions.
        blocks: the predictions, compressed; `head` is compressed alike by `pack`.
        held: predictions in `blocks`, of `total` in the confirm trials.
    """

    head: dict[str, Any]
    blocks: list[str] = field(default_factory=list)
    held: int = 0
    total: int = 0


@dataclass
class _Questions:
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)
    number: list[str | None] = field(default_factory=list)
    group: list[str | None] = field(default_factory=list)

    def place(self, identity: str, text: str, reference: str, answer: Answer) -> int:
        """Return the index of a question with this reference; a variant's other reference is another one."""
        key = (identity, reference)
        if key not in self.places:
            self.places[key] = len(self.text)
            self.text.append(text)
            self.reference.append(reference)
            self.number.append(answer.expected)
            self.group.append(answer.group)
        return self.places[key]


def pack(value: Any) -> str:
    """Return a value as compressed JSON in base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def browse(rows: Sequence[ComparisonRow], most: int = MOST_PREDICTIONS) -> Browser:
    """Return the confirm trials' predictions: each arm's first repeat, then its second, up to `most`."""
    arms: list[dict[str, Any]] = [{"name": row.name, "trials": []} for row in rows]
    browser, questions, waiting = Browser({"arms": arms}), _Questions(), []
    trials, task = 0, rows[0].task if rows else MATH
    columns = answer_columns(task)
    for arm, trial in _by_repeat(rows):
        table = rows[arm].arm.study_of(trial).read("predictions", trial["trial"], columns)
        if table is None:
            continue
        browser.total += table.num_rows
        if browser.held + table.num_rows > most:
            continue
        arms[arm]["trials"].append(
            {"index": trials, "repeat": _repeat(rows[arm].arm, trial), "id": trial["trial"]}
        )
        waiting += _rows(table, trials, questions, task)
        browser.held += table.num_rows
        trials += 1
        while len(waiting) >= BLOCK_ROWS:
            browser.blocks.append(_block(waiting[:BLOCK_ROWS]))
            del waiting[:BLOCK_ROWS]
    if waiting:
        browser.blocks.append(_block(waiting))
    browser.head["questions"] = {
        "text": questions.text,
        "reference": questions.reference,
        "number": questions.number,
    }
    if (described := describe_task(task)) is not None:
        browser.head["task"] = described
        browser.head["questions"]["group"] = questions.group
    browser.head["rows"], browser.head["trials"] = browser.held, trials
    return browser


def _by_repeat(rows: Sequence[ComparisonRow]) -> Iterator[tuple[int, dict[str, Any]]]:
    scored = [row.arm.scored_trials for row in rows]
    for place in range(max(map(len, scored), default=0)):
        for arm, trials in enumerate(scored):
            if place < len(trials):
                yield arm, trials[place]


def _repeat(arm: Arm, trial: Row) -> str | None:
    """Return which repeat of its arm a trial is, in words; None where nothing was trained."""
    if arm.is_reference:
        return None
    seed = f"seed {trial.get('seed')}"
    if arm.unit == "seed":
        return seed
    number = f"replicate {name_replicate(arm, trial)}"
    return number if not arm.confirm_seeds or arm.confirm_seeds == 1 else f"{number}, {seed}"


def _rows(table: pa.Table, trial: int, questions: _Questions, task: Task) -> list[list[Any]]:
    columns = {name: table[name].to_pylist() for name in table.column_names}
    return [
        _row(trial, questions, dict(zip(columns, values, strict=True)), task)
        for values in zip(*columns.values(), strict=True)
    ]


def _row(trial: int, questions: _Questions, row: dict[str, Any], task: Task) -> list[Any]:
    identity, text, reference = (row[name] or "" for name in ("question_id", "question", "reference"))
    answer = read_answer(task, row)
    place = questions.place(identity, text, reference, answer)
    loss = row["nll"] / row["tokens"] if row["nll"] is not None and row["tokens"] else None
    scores = [answer.figure, _rounded(row["similarity"], 1), _rounded(loss, 3)]
    return [trial, place, row["text"] or "", answer.number, answer.flags, *scores, answer.outcome]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _block(rows: Sequence[Sequence[Any]]) -> str:
    names = ("trial", "question", "text", "number", "flags", "rouge1", "similarity", "loss", "outcome")
    return pack(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
