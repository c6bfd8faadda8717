"""Model folders as people bring them: how each is made, and what a study says to it.

A case is made by a script from tiny random models, and is either fine (with its notes) or refused in one
line. `tests/study/models/test_model_cases.py` runs them all; docs/models.md says the rules.
"""

from collections.abc import Mapping

from tests.cases.models import broken_files, fits, kinds, whole_and_not
from tests.cases.models.case import Case

CASES: Mapping[str, Case] = {**whole_and_not.CASES, **kinds.CASES, **fits.CASES, **broken_files.CASES}
