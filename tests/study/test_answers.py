from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.answers import contains_number, format_number, last_number, marked_number, read_numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so she has 18.", "18"),
        ("it costs $1,234.50 in all", "1234.50"),
        ("that is 25%", "25"),
        ("16-3-4=9", "9"),
        ("the change is -5", "-5"),
        ("it fell by -$5", "-5"),
        ("18.0", "18"),
        ("3,4", "4"),
        ("half of 7 is 3.5", "3.5"),
        (".5", "0.5"),
    ],
)
def test_last_number_reads_numbers_as_people_write_them(text: str, number: str) -> None:
    assert last_number(text) == Decimal(number)


def test_text_without_a_number_has_none() -> None:
    assert last_number("no idea") is None
    assert marked_number("no idea") is None
    assert marked_number("18") is None
    assert marked_number("#### none") is None


def test_a_minus_between_numbers_is_no_sign() -> None:
    assert read_numbers("30-12") == [Decimal(30), Decimal(12)]


def test_strict_reads_the_line_of_the_mark_alone() -> None:
    assert marked_number("12 + 6 = 18\n#### 18\nand 99 more") == Decimal(18)
    assert marked_number("####\n18") is None


def test_other_scripts_digits_are_no_numbers() -> None:
    assert last_number("٤٢") is None


def test_lenient_accepts_a_substring() -> None:
    assert contains_number("142 apples", Decimal(4))
    assert not contains_number("135 apples", Decimal(4))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=0, max_value=10**12))
def test_a_written_number_is_read_back(number: Decimal) -> None:
    assert last_number(f"x {format_number(number)} y") == number
    assert marked_number(f"#### {number:,f}") == number
