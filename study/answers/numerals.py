"""Numerals: where numbers stand in a text, and what each of them is.

A numeral is read whole or not at all. What may be two things (`1,5`: a decimal or a list), is no number
(`12:30`, `2024-05-08`) or is out of bounds has no value and keeps its place, so that no piece of it is taken
for a number. Text comes through `study.answers.plain_text`. Patterns are possessive where they could go back:
the time is linear in the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from study.answers.plain_text import GROUP_SPACE

# More digits, or a larger exponent, than any answer has; and what bounds the time of the arithmetic.
MAX_DIGITS = 1000
_LARGEST = 10**MAX_DIGITS

CURRENCY = "$¢£¤¥฿\u20a0-\u20c0"
CODES = "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|CAD|AUD|NZD"
LETTER = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u052f"

_MORE = rf"(?:[.,'_{GROUP_SPACE}]\d++)*+"
# It begins with the digit, and looks back from there: so the search goes from digit to digit.
_NUMERAL = re.compile(
    rf"""
    [0-9]
    (?: (?<![{LETTER}0-9^][0-9]) | (?<=(?:{CODES})[0-9]) )      # not m2, m^2; but USD5
    (?<![{LETTER}]_[0-9]) (?<!\^[-+][0-9]) (?<![0-9][.,'_][0-9])  # nor x_1, s^-1, what is left of x1.5
    (?:
      (?P<date>\d{{3}}-\d\d?-\d\d?(?![\d-]))
    | (?P<time>\d?:[0-5]\d(?::[0-5]\d)?(?![\d:]))
    | (?P<digits>\d*+{_MORE})
      (?P<exponent>[eE][-+]?\d++(?![{LETTER}\d]))?+
      (?P<tens>[ ]?[*x×·][ ]?10\^\(?[-+]?\d++\)?)?+
      (?P<caret>\^\(?[-+]?\d++\)?)?+
      (?P<over>(?:[ ]?/[ ]?\d++{_MORE})++)?+
      (?P<mixed>[ ]\d++/\d++(?![\d/.,:]))?+
    )
    """,
    re.VERBOSE | re.ASCII,
)
# A point that begins a number: .5, and neither the end of a sentence nor of an ellipsis.
_LEADING_POINT = re.compile(rf"(?<![.{LETTER}\d])\.\Z")
_PLAIN = re.compile(r"(\d*)(?:\.(\d+))?", re.ASCII)
_GROUPED = re.compile(
    rf"""
      (?P<point>[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d+)?)                           # 1,234.50
    | (?P<lakh>[1-9]\d?(?:,\d\d)+,\d{{3}}(?:\.\d+)?)                             # 12,34,567.50
    | (?P<space>[1-9]\d{{0,2}}(?:[{GROUP_SPACE}'_]\d{{3}})+(?:[.,]\d+)?)          # 1 234,50
    | (?P<comma>[1-9]\d{{0,2}}(?:\.\d{{3}}){{2,}}(?:,\d+)?|[1-9]\d{{0,2}}\.\d{{3}},\d\d?)  # 1.234,50
    """,
    re.VERBOSE | re.ASCII,
)
_OPERAND = re.compile(rf"[{LETTER}\d)\]}}%-]", re.ASCII)
_WORD_SIGN = re.compile(rf"(?<![{LETTER}])(?i:minus|negative)[ ]\Z")


class Unreadable(Exception):
    """A numeral that is no one number; the message says why."""


class Numeral(NamedTuple):
    """A numeral in `text`, which begins at `start`; its sign is not a part of it."""

    text: str
    start: int
    match: re.Match[str]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.match.end()

    @property
    def magnitude(self) -> Fraction:
        """What it is without its sign.

        Raises:
            Unreadable: it is no one number.
        """
        value = _magnitude(self.match, self.text[self.start : self.match.end("digits")])
        if max(value.numerator, value.denominator) > _LARGEST:
            raise Unreadable(f"it has more than {MAX_DIGITS:,} digits")
        return value

    @property
    def value(self) -> Fraction | None:
        """What it is, with its sign; None for what is no one number. 7:00 is 7, 7:30 is none."""
        if self.match["time"] and self.match[0].endswith(":00") and self.match[0].count(":") == 1:
            return Fraction(int(self.match[0].removesuffix(":00")))
        try:
            return -self.magnitude if _is_negative(self.text, self.start) else self.magnitude
        except Unreadable:
            return None


def find_numerals(text: str) -> Iterator[Numeral]:
    """Yield the numerals in `text`, which is plain (see `study.answers.plain_text`), in order."""
    for match in _NUMERAL.finditer(text):
        start = match.start()
        if start and text[start - 1] == "." and _LEADING_POINT.search(text, start - 1, start):
            start -= 1
        yield Numeral(text, start, match)


def _magnitude(match: re.Match[str], run: str) -> Fraction:
    if match["date"]:
        raise Unreadable("it is a date")
    if match["time"]:
        raise Unreadable("it is a time")
    value = _read_run(run)
    if match["exponent"]:
        value *= _power_of_ten(match["exponent"][1:])
    if match["tens"]:
        value *= _power_of_ten(match["tens"].partition("^")[2].strip("()"))
    if match["caret"]:
        if run != "10":
            raise Unreadable("it is a power that is not worked out")
        value = _power_of_ten(match["caret"].strip("^()"))
    if match["over"]:
        value = _divide(value, match["over"].split("/")[1:])
    if match["mixed"]:
        value = _mix(value, match)
    return value


def _read_run(run: str) -> Fraction:
    """Return the number that digits with their separators are."""
    if len(run) > MAX_DIGITS:
        raise Unreadable(f"it has more than {MAX_DIGITS:,} digits")
    if plain := _PLAIN.fullmatch(run):
        return _decimal(*plain.groups())
    grouped = _GROUPED.fullmatch(run)
    if grouped is None:
        raise Unreadable("its comma or point may be of thousands, of a decimal, or of a list")
    comma_is_point = grouped["comma"] or (grouped["space"] and "," in run)
    whole, _, fraction = run.partition("," if comma_is_point else ".")
    return _decimal(re.sub(r"\D", "", whole), fraction)


def _decimal(whole: str, fraction: str | None) -> Fraction:
    digits = fraction or ""
    return Fraction(int(f"{whole}{digits}" or "0"), 10 ** len(digits))


def _power_of_ten(exponent: str) -> Fraction:
    if len(exponent) > 5 or abs(int(exponent)) > MAX_DIGITS:
        raise Unreadable(f"its exponent is over {MAX_DIGITS:,}")
    return Fraction(10) ** int(exponent)


def _divide(value: Fraction, divisors: list[str]) -> Fraction:
    if len(divisors) > 1:
        raise Unreadable("it is a date, or divides more than once")
    divisor = _read_run(divisors[0].strip())
    if divisor == 0:
        raise Unreadable("it is a division by zero")
    return value / divisor


def _mix(whole: Fraction, match: re.Match[str]) -> Fraction:
    """Return 1 1/2 as 3/2; where the second part is no proper fraction, two numbers stand side by side."""
    over, under = (_read_run(digits) for digits in match["mixed"].strip().split("/"))
    if not 0 < over < under or match["over"] or whole.denominator != 1:
        raise Unreadable("two numbers stand side by side")
    return whole + over / under


def _is_negative(text: str, start: int) -> bool:
    """Tell whether a minus that stands before a numeral is its sign: no operand before, no space after."""
    place = start
    if place > 1 and text[place - 1] == " " and _is_currency(text[place - 2]):
        place -= 1
    while place and _is_currency(text[place - 1]):
        place -= 1
    if place > 2 and text[place - 3 : place] in CODES.split("|"):
        place -= 3
    if word := _WORD_SIGN.search(text, max(0, place - 10), place):
        return not _follows_operand(text, word.start())
    if place > 1 and text[place - 2 : place] == "- ":
        before = text[max(0, place - 12) : place - 2].rstrip()
        return before.endswith(("=", "("))
    return place > 0 and text[place - 1] == "-" and not _follows_operand(text, place - 1)


def _is_currency(sign: str) -> bool:
    return sign in "$¢£¤¥฿" or "\u20a0" <= sign <= "\u20c0"


def _follows_operand(text: str, place: int) -> bool:
    """Tell whether something that a minus at `place` could subtract from stands before it."""
    if place and _OPERAND.match(text, place - 1):
        return True
    while place and text[place - 1] in (" ", GROUP_SPACE):
        place -= 1
    return place > 0 and (text[place - 1].isdigit() or text[place - 1] in ")]}%")
