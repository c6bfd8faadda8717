"""The data: problems with worked answers, read from the layouts that people have, and divided into splits.

    study.rows.layouts   which files make each split      study.rows.files       the rows of a file
    study.rows.checked   rows -> problems, bad rows told  study.data.divisions   what is held out and sampled

Every row has a question and an answer, which is what its task says (`study.tasks`). No question stands in
two of train, validation and test, whatever the layout: neither does one that differs in case, white space
and punctuation alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from study import embedded
from study.config import MATH
from study.data.divisions import TEST_SHARE, hold_out
from study.data.question_keys import find_twins
from study.errors import UserError
from study.printable import printable
from study.rows.checked import read_problems
from study.rows.layouts import Layout, find_code_files, find_layout
from study.rows.problems import Columns, Problem, Problems
from study.rows.rules import code_rules, make_rules
from study.sizes import count_of
from study.tasks import Task
from study.tasks.finding import task_of


@dataclass(frozen=True)
class Split:
    """The usable rows of one split.

    Attributes:
        skipped: rows that could not be used and are left out.
        held_out: whether the split is held out of the train file, for the data has no test split.
        notes: what has to be said of how its files were read.
    """

    problems: Problems
    skipped: int = 0
    held_out: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """One variant of a data set, divided.

    Attributes:
        validation: the data's own validation split; None: each replicate holds one out of train.
        notes: what has to be said before the first trial, a short line each.
        twins: question -> the one that stands for it and for others that differ from it in case,
            white space and punctuation alone; in most data there are none.
    """

    train: Split
    validation: Split | None
    test: Split
    notes: tuple[str, ...] = ()
    twins: Mapping[str, str] = field(default_factory=dict)

    def name(self, problem: Problem) -> str:
        """Return the question that stands for a problem's."""
        return self.twins.get(problem.question, problem.question)

    def names(self, split: Split) -> Iterator[str]:
        """Yield the question of each row of a split, the same for those that differ in letters alone."""
        return map(self.name, split.problems)

    @property
    def splits(self) -> tuple[Split, ...]:
        """Its splits: train, its own validation split if it has one, test."""
        return (self.train, *([self.validation] if self.validation else []), self.test)


def load_data(
    source: Path,
    variant: str,
    *,
    task: Task | None = None,
    columns: Columns | None = None,
    skip_bad_rows: bool = False,
    keep_leaks: bool = False,
) -> DataSet:
    """Return one variant of the data, divided into train, test and, where it has one, a validation split.

    Args:
        task: what a row has to be; None: a worked problem.
        columns: those of the question and the answer, if the user named them.
        keep_leaks: leave questions of the test split (and of a validation split) in the training data.

    Raises:
        UserError: a missing folder or file, no rows, a column that is not there, too few questions, or
            (unless `skip_bad_rows`) a row that the task can't use; file and row are named.
    """
    rules = make_rules(task or task_of(MATH), columns)
    layout = find_layout(source, variant)
    rows = {
        split: read_problems(files, rules, skip_bad_rows=skip_bad_rows)
        for split, files in layout.files.items()
    }
    splits = {name: Split(read.problems, read.skipped, notes=read.notes) for name, read in rows.items()}
    twins = find_twins(lambda: (problem.question for split in splits.values() for problem in split.problems))
    data = _divided(splits, source, twins)
    notes = _describe_reading(layout, data, source, variant)
    if not keep_leaks:
        data, leaks = _without_leaks(data, variant)
        notes += leaks
    _check_size(data, source)
    # Names of files and columns may be anything; a note is a line, in the page too.
    return replace(data, notes=tuple(printable(" ".join(note.splitlines())) for note in notes))


def load_code(source: Path, *, skip_bad_rows: bool = False) -> Split:
    """Return the rows of a code data set: `query` as the question, `answer` as the answer.

    The layout is that of m-a-p/CodeFeedback-Filtered-Instruction (columns query, answer, resource, lang; the
    last two are not read and may be missing): a file, or a folder with one file in it, under any name.

    Raises:
        UserError: a missing folder or file, no rows, or a row that can't be used, named by file and row.
    """
    read = read_problems(find_code_files(source), code_rules(), skip_bad_rows=skip_bad_rows)
    return Split(read.problems, read.skipped, notes=read.notes)


def fingerprint(*splits: Split) -> str:
    """Return a 16-digit hash of the rows of `splits`, in their order."""
    total = hashlib.sha256()
    for split in splits:
        for problem in split.problems:
            extra = [problem.extra] if problem.extra else []
            total.update(json.dumps([problem.question, problem.answer, *extra]).encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def _divided(splits: Mapping[str, Split], source: Path, twins: Mapping[str, str]) -> DataSet:
    """Return the data with a test split: its own, or one that is held out of the train split."""
    train, validation, test = splits["train"], splits.get("validation"), splits.get("test")
    if test is None:
        names = (twins.get(problem.question, problem.question) for problem in train.problems)
        if (questions := _count_distinct(names, enough=2)) < 2:
            raise _too_small(source, questions, held_out=True, has_validation=validation is not None)
        share = max(1, round(TEST_SHARE * len(train.problems)))
        rest, tested = hold_out(train.problems, share, seed=0, twins=twins)
        train, test = replace(train, problems=rest), Split(tested, held_out=True)
    return DataSet(train, validation, test, twins=twins)


def _without_leaks(data: DataSet, variant: str) -> tuple[DataSet, list[str]]:
    """Return the data with no question in two splits, and what is to be said of those left out.

    A question stays in the test split, else in the data's own validation split, else in train.
    """
    notes: list[str] = []

    def without(split: Split, name: str, scored: Split, scored_name: str) -> Split:
        tested = {*data.names(scored)}
        leaked = [name in tested for name in data.names(split)]
        rows = sum(leaked)
        if not rows:
            return split
        leaks = len(tested.intersection(data.names(split)))
        are, them = ("is", "it") if rows == 1 else ("are", "them")
        notes.append(
            f"leaks: {leaks:,} of the {len(tested):,} {scored_name} questions of the {variant} data are in "
            f"{name} too; {count_of(rows, 'row')} there {are} left out (--keep-leaks keeps {them})"
        )
        return replace(split, problems=split.problems.only(not leak for leak in leaked))

    validation = data.validation and without(data.validation, "validation", data.test, "test")
    train = without(data.train, "train", data.test, "test")
    if validation is not None:
        train = without(train, "train", validation, "validation")
    return replace(data, train=train, validation=validation), notes


def _check_size(data: DataSet, source: Path) -> None:
    questions, has_validation = _count_distinct(data.names(data.train), enough=2), data.validation is not None
    if questions < (1 if has_validation else 2):
        questions += len({*data.names(data.test)}) if data.test.held_out else 0
        raise _too_small(source, questions, data.test.held_out, has_validation)
    if data.validation is not None and not data.validation.problems:
        raise UserError(f"data '{source}': all questions of its validation split are in its test split too")


def _count_distinct(names: Iterable[str], enough: int) -> int:
    """Return how many of the names are distinct, or `enough` where they are more."""
    found: set[str] = set()
    for name in names:
        found.add(name)
        if len(found) == enough:
            break
    return len(found)


def _too_small(source: Path, questions: int, held_out: bool, has_validation: bool) -> UserError:
    """Return the error that says what the smallest data that works is."""
    needed = [
        "1 to train on",
        *([] if has_validation else ["1 to validate"]),
        *(["1 to test"] if held_out else []),
    ]
    left = "" if held_out else " to train on, of those that no other split has"
    found = f"{count_of(questions, 'distinct question')}{left}"
    return UserError(f"data '{source}' needs at least {len(needed)} ({', '.join(needed)}), found {found}")


def _describe_reading(layout: Layout, data: DataSet, source: Path, variant: str) -> list[str]:
    """Return what is to be said of the files, the columns and the rows, a short line each."""
    files = {split: _show_files(source, paths) for split, paths in layout.files.items()}
    if data.test.held_out:
        files["test"] = f"{TEST_SHARE:.0%} of its questions, held out (the data has no test split)"
    own = [f"{split} {files[split]}" for split in ("train", "validation", "test") if split in files]
    notes = [] if source == embedded.DATA_DIR else [f"{variant} data: {', '.join(own)}"]
    notes += [layout.note] if layout.note else []
    notes += dict.fromkeys(note for split in data.splits for note in split.notes)
    if skipped := sum(split.skipped for split in data.splits):
        notes.append(describe_skipped(f"the {variant} data", skipped))
    return notes


def describe_skipped(what: str, rows: int) -> str:
    """Return the line that counts rows left out."""
    return f"{count_of(rows, 'row')} of {what} can't be used and {'is' if rows == 1 else 'are'} left out"


def _show_files(source: Path, paths: Sequence[Path]) -> str:
    """Return the name of a split's file, or the first of its files and how many there are."""
    first = paths[0].name if source.is_file() else paths[0].relative_to(source).as_posix()
    return first if len(paths) == 1 else f"{first} and {count_of(len(paths) - 1, 'more file')}"
