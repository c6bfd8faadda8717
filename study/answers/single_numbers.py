"""Text that is one number: digits, a sign, a currency or a unit beside them. References have to be that."""

from __future__ import annotations

import re
from fractions import Fraction

from study.answers.numerals import CURRENCY, LETTER, Numeral, Unreadable, find_numerals
from study.answers.plain_text import GROUP_SPACE

# Longer text is no number with a unit; the longest number has 1,000 digits and their separators.
_MOST_CHARACTERS = 3000
_ANNOTATION = re.compile(r"<<[^<>\n]*+>>")
_BOXED = re.compile(r"\\(?:boxed|fbox) ?\{([^{}]*+)\}")
# 1 000: ordinary spaces group digits where nothing else is there that they could part.
_SPACED = re.compile(r"(?<![\d.,:/] )(?<![\d.,:/])[1-9]\d{0,2}(?: \d{3})+(?![\d/]| ?/)", re.ASCII)

_BEFORE = re.compile(
    r"(?:(?P<word>(?i:minus|negative) )|[-+] ?)?"
    rf"(?:[A-Z]{{0,3}}[{CURRENCY}]|[A-Z]{{3}}|Rs\.?)? ?[-+]?"
)
# A word of a unit: apples, °C, km, m2, m^2, s^-1, p.m.
_NO_UNIT = "×÷±≈≠≤≥<>=…—"
_WORD = rf"(?:[A-Za-z]|[^\x00-\x7f\s{_NO_UNIT}])++(?:\^?-?[2-9](?!\d))?+"
_AFTER = re.compile(
    rf" ?(?:-(?=[A-Za-z]))?(?:%|[{CURRENCY}])?(?P<unit>[ .(]*+(?:{_WORD}[ /.&'()*-]{{0,3}}+){{0,6}}+)"
)
# A unit with such a word is another number: 5 and a half, 5 dozen, 3 tenths, 5 squared.
_MORE = re.compile(
    r"\b(?:and|or|to|not|plus|minus|squared|cubed|half|halves|dozens?|score"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|(?:thir|four|fif|six|seven|eigh|nin|ten|hundred|thousand|million)ths?|thirds?|hundreds|thousands|millions)\b",
    re.IGNORECASE,
)
# Zeros, or a unit in which the answer is asked for: "how many million".
_SCALE = re.compile(
    rf"(?:[kKMBT]|[ -]?(?i:hundred|thousand|million|billion|trillion|mn|bn|lakh|crore))(?![-{LETTER}\d])"
)
_DECORATION = ' \t\r\n\f\v*_`"“”«»'


class NotOneNumber(ValueError):
    """A text that is not one number; the message says what it is instead."""


def read_single(text: str) -> Fraction:
    """Return the number that `text`, which is plain (see `study.answers.plain_text`), is.

    Raises:
        NotOneNumber: it is none, or several, or more than a number with its unit.
    """
    text = _undecorated(text)
    numeral = _only_numeral(text)
    before, after = text[: numeral.start], text[numeral.end :]
    sign = _BEFORE.fullmatch(before)
    if sign is None:
        raise NotOneNumber(f"{_quoted(before)} stands before the number")
    _check_unit(after)
    if before.startswith("- ") and any(map(str.isalpha, after)):
        raise NotOneNumber("'- ' may be a sign or a bullet")
    if before.count("-") + before.count("+") + bool(sign["word"]) > 1:
        raise NotOneNumber("it has two signs")
    try:
        return -numeral.magnitude if "-" in before or sign["word"] else numeral.magnitude
    except Unreadable as error:
        raise NotOneNumber(str(error)) from None


def _undecorated(text: str) -> str:
    """Return `text` without what may stand around a number: annotations, emphasis, a box, a full stop."""
    if len(text) > _MOST_CHARACTERS:
        raise NotOneNumber(f"it is longer than {_MOST_CHARACTERS:,} characters")
    text = _ANNOTATION.sub("", text).strip(_DECORATION)
    text = text.lstrip(f"=:{_DECORATION}")
    if boxed := _BOXED.fullmatch(text.strip("$ .")):
        text = boxed[1].strip(_DECORATION)
    text = text.rstrip(_DECORATION + ".。")
    return _SPACED.sub(lambda match: match[0].replace(" ", GROUP_SPACE), text)


def _only_numeral(text: str) -> Numeral:
    numerals = list(find_numerals(text))
    if not numerals:
        raise NotOneNumber("there is no number")
    if len(numerals) > 1:
        raise NotOneNumber(f"there are {len(numerals)} numbers")
    return numerals[0]


def _check_unit(after: str) -> None:
    unit = _AFTER.fullmatch(after)
    if unit is None:
        raise NotOneNumber(f"{_quoted(after)} stands after the number, and is no unit")
    if more := _MORE.search(unit["unit"]):
        raise NotOneNumber(f"'{more[0]}' makes it another number")
    if scale := _SCALE.match(after):
        raise NotOneNumber(f"'{scale[0].strip()}' may be a unit or a number of zeros")


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 20 else f"{text[:20]}...")
