"""What a case of a file is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from study.rows.problems import GSM8K_COLUMNS, Columns


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        kind, name: where it stands in the table of docs/data.md, and what it is.
        files: path -> bytes; they are written into an empty folder.
        links: path -> target, within that folder.
        data: what the user names, within the folder; "": the only file, or the folder of several.
        rows: the questions of train, of the data's own validation split (None: it has none) and of test.
        answers: question -> the number, where they are not those of `ROWS`, `MORE` and `THIRD`.
        note: what is said before the first trial; a part of one of the lines.
        line: what is refused in one line; a part of it.
        skipped: rows left out under --skip-bad-rows, which a case with some is run with.
    """

    kind: str
    name: str
    files: Mapping[str, bytes]
    rows: tuple[int, int | None, int] = (4, None, 1)
    note: str | None = None
    line: str | None = None
    skipped: int = 0
    answers: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    columns: Columns = GSM8K_COLUMNS
    variant: str = "main"
    keep_leaks: bool = False
