"""The plan of looks from the command line."""

import pytest

from analysis.errors import AnalysisError
from analysis.looks import parse_looks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3,six", "must be numbers of replicates"),
        ("", "must be numbers of replicates"),
        ("3,-6", "must be numbers of replicates"),
        ("1,6", "first look must be after 2 replicates"),
        ("6,3", "must increase"),
        ("3,3,12", "must increase"),
        ("3,6", "must be after all 12 replicates"),
    ],
)
def test_looks_that_can_not_be_are_refused_in_a_line(text, said):
    with pytest.raises(AnalysisError, match=said) as error:
        parse_looks(text, 12)
    assert "\n" not in str(error.value)
