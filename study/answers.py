"""Reading numbers out of answers: the reference's, and the three ways to read a prediction's.

Sources: Cobbe et al. 2021 (`#### n`), and the strict and flexible GSM8K filters of lm-evaluation-harness.
Numbers are compared as decimals, so 1,000 = 1000 = 1000.0; `$`, `%` and a trailing `.` do not matter.
"""

from __future__ import annotations

import re
from decimal import Decimal

# A minus is a sign only where no operand stands before it: 16-3 holds 16 and 3.
_NUMBER = re.compile(r"(?:(?<![\w.)])-\s?)?\$?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)", re.ASCII)
_MARKED = re.compile(r"####[ \t]*(.*)")


def read_numbers(text: str) -> list[Decimal]:
    """Return the numbers in `text`, in order."""
    return [_decimal(match) for match in _NUMBER.finditer(text)]


def last_number(text: str) -> Decimal | None:
    """Return the last number in `text` (accuracy, 'flexible'), or None."""
    numbers = read_numbers(text)
    return numbers[-1] if numbers else None


def marked_number(text: str) -> Decimal | None:
    """Return the number that follows the last `####` on its line (accuracy, 'strict'), or None."""
    marked = _MARKED.findall(text)
    numbers = read_numbers(marked[-1]) if marked else []
    return numbers[0] if numbers else None


def bare_number(text: str) -> Decimal | None:
    """Return the number that `text` is, with nothing but a `$` or a `%` around it, or None."""
    match = _NUMBER.fullmatch(text.strip().rstrip("%."))
    return _decimal(match) if match else None


def contains_number(text: str, number: Decimal) -> bool:
    """Tell whether the digits of `number` occur anywhere in `text` (accuracy, 'lenient').

    A substring counts: 4 is found in 142. That is why this is no measure of skill.
    """
    return format_number(number) in text.replace(",", "")


def format_number(number: Decimal) -> str:
    """Return the one way to write `number`: no exponent, no separators, no trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(match: re.Match[str]) -> Decimal:
    value = Decimal(match.group(1).replace(",", ""))
    return -value if match.group(0).startswith("-") else value
