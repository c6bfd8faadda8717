"""Folders of results as people have them; what is said of each. tests/study/results runs them all.

A case takes a whole study's folder and changes something in it; each is a few lines.
"""

from tests.cases.folders.answers import DISAGREEING
from tests.cases.folders.cells import CELLS
from tests.cases.folders.descriptions import DESCRIPTIONS, ENTRIES
from tests.cases.folders.folder import Change, Folder, first_file
from tests.cases.folders.parquet_files import PARQUET
from tests.cases.folders.places import COPIES, IN_PLACE_OF_FOLDERS

__all__ = [
    "CELLS",
    "COPIES",
    "DESCRIPTIONS",
    "DISAGREEING",
    "ENTRIES",
    "IN_PLACE_OF_FOLDERS",
    "PARQUET",
    "Change",
    "Folder",
    "first_file",
]
