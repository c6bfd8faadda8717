"""What the table in tests/cases/numbers.toml does not hold; see test_number_cases.py."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.answers.reading import (
    NotOneNumber,
    answer_number,
    contains_number,
    format_number,
    marked_number,
    read_reference,
)


def test_strict_reads_the_mark_alone() -> None:
    assert marked_number("12 + 6 = 18\n#### 18\nand 99 more") == 18
    assert marked_number("####\n18") is None
    assert marked_number("\\boxed{18}, the answer is 18") is None


def test_lenient_accepts_a_substring() -> None:
    assert contains_number("142 apples", Fraction(4))
    assert contains_number("1,420 apples", Fraction(1420))
    assert contains_number("−４ apples", Fraction(-4))
    assert not contains_number("135 apples", Fraction(4))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(18), "18"),
        (Fraction(-3, 4), "-0.75"),
        (Fraction(1, 1000), "0.001"),
        (Fraction(-1, 3), "-1/3"),
        (Fraction(0), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("18.00"), "18"),
        (Fraction(1, 2**1200), f"1/{2**1200}"),
    ],
)
def test_a_number_is_written_in_one_way(number: Fraction | Decimal, text: str) -> None:
    assert format_number(number) == text
    assert Fraction(text) == number


def test_a_reference_after_another_question_is_refused() -> None:
    # A prediction with this text would be read as 3: what follows is the model's next question.
    with pytest.raises(NotOneNumber, match="another question begins before it"):
        read_reference("so 3\nQuestion: how many are left?\n#### 7")


def test_the_same_number_marked_twice_is_refused() -> None:
    with pytest.raises(NotOneNumber, match="two numbers are marked"):
        read_reference("#### 7\n#### 7")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=0, max_value=10**12))
def test_a_written_number_is_read_back(number: Decimal) -> None:
    assert answer_number(f"x {format_number(number)} y") == Fraction(number)
    assert marked_number(f"#### {number:,f}") == Fraction(number)
