"""The table of cases in tests/cases/files: rows or one line, and no traceback."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from study.data.loading import DataSet, load_data
from study.errors import UserError
from study.sources.finding import find_data
from tests.cases.files import CASES, document
from tests.cases.files.case import Case
from tests.cases.files.rows import MORE, ROWS, THIRD


def write(case: Case, folder: Path) -> Path:
    """Write a case's files and return what its user names."""
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name, target in case.links.items():
        (folder / name).symlink_to(target)
    if case.data:
        return folder / case.data
    # A file called "mine" is named itself; else the folder is.
    mine = [folder / name for name in case.files if name.lower().startswith("mine.")]
    return mine[0] if mine else folder


def load(case: Case, data: Path, *, skip_bad_rows: bool) -> DataSet:
    return load_data(
        find_data(str(data)).path,
        case.variant,
        columns=case.columns,
        skip_bad_rows=skip_bad_rows,
        keep_leaks=case.keep_leaks,
    )


def known_answers(case: Case) -> dict[str, str]:
    return {str(row["question"]): str(row["answer"]) for row in [*ROWS, *MORE, *THIRD]} | dict(case.answers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_a_case(case: Case, tmp_path: Path) -> None:
    data = write(case, tmp_path)
    if case.line is not None or case.skipped:
        with pytest.raises(UserError) as caught:
            load(case, data, skip_bad_rows=False)
        message = str(caught.value)
        assert "\n" not in message
        assert (case.line or ", row ") in message
        if case.line is not None:
            return
        assert "--skip-bad-rows" in message
    loaded = load(case, data, skip_bad_rows=bool(case.skipped))
    splits = (loaded.train, loaded.validation, loaded.test)
    assert tuple(None if split is None else len(split.problems) for split in splits) == case.rows
    answers = known_answers(case)
    for split in loaded.splits:
        for problem in split.problems:
            assert problem.answer == f"#### {answers[problem.question]}"
    assert sum(split.skipped for split in loaded.splits) == case.skipped
    assert case.note is None or any(case.note in note for note in loaded.notes), loaded.notes
    if not case.keep_leaks:
        names = [{*loaded.names(split)} for split in loaded.splits]
        assert len(set.union(*names)) == sum(map(len, names))
    assert all("\n" not in note and note.isprintable() for note in loaded.notes)


PIECES = [
    b'"',
    b"\n",
    b"\r",
    b",",
    b";",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{",
    b"[",
    b"\\ud800",
    b"\xed\xa0\x80",
]
PIECES += [
    b"#### ",
    b"9" * 5000,
    b"1e999999999",
    b"\xe2\x80\xae",
    b"null",
    b'"messages": 3,',
    b"- split: [1]\n",
]


def broken(content: bytes, rng: random.Random) -> bytes:
    """Return a file's content as a disk, an editor or a transfer may have left it."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(0, len(data))
        match rng.randrange(4):
            case 0:
                data[place:place] = rng.choice(PIECES)
            case 1:
                del data[place : place + rng.randint(1, 9)]
            case 2:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 3:
                del data[place:]
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_becomes_of_a_file_it_is_read_or_refused_in_a_line(seed: int, tmp_path: Path) -> None:
    """Arrow's own checks included: without them a broken stream ends the process."""
    rng = random.Random(seed)
    outcomes = {True: 0, False: 0}
    for number, case in enumerate(CASES):
        files = {name: broken(content, rng) for name, content in case.files.items()}
        folder = tmp_path / str(number)
        folder.mkdir()
        data = write(replace(case, files=files), folder)
        try:
            loaded = load(case, data, skip_bad_rows=True)
        except UserError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
            assert all(problem.question_id for split in loaded.splits for problem in split.problems)
    assert min(outcomes.values()) > 20


def test_the_corpus_is_large_and_has_no_case_twice() -> None:
    assert len(CASES) >= 70
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES)


def test_the_documents_table_is_that_of_the_cases() -> None:
    text = document.DOCUMENT.read_text(encoding="utf-8")
    assert text.partition(document.BEGIN)[2].partition(document.END)[0] == f"\n{document.describe_cases()}"
