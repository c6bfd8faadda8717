"""Files as people have them, small, and what must come out of each: rows, a note, or one line.

tests/study/rows/test_file_cases.py runs all of it, and holds docs/data.md to it:

    python -m tests.cases.files        # writes the table of docs/data.md anew
"""

from tests.cases.files import (
    binary_files,
    csv_files,
    divisions,
    hub_folders,
    json_files,
    row_shapes,
    split_folders,
    written_folders,
)
from tests.cases.files.case import Case

CASES: list[Case] = [
    *csv_files.CASES,
    *json_files.CASES,
    *binary_files.CASES,
    *row_shapes.CASES,
    *split_folders.CASES,
    *written_folders.CASES,
    *hub_folders.CASES,
    *divisions.CASES,
]
