"""Reading the number that an answer comes to: a reference's, and a prediction's.

A reference is one number, with at most a currency or a unit beside it; anything else is refused with the
reason. A prediction is read as a careful reader reads it, up to where the model begins another question, at
the first of these places that holds a number:

    1. after the last `####`, on its line (alone: accuracy, 'strict')
    2. in the last \\boxed{}
    3. after the last "the answer is", "answer:"
    4. the last number of the text

A place that holds something that is no one number (`12:30`, `1,5`) gives none, and the places after it are
not asked. docs/numbers.md has the rules with examples, and where they differ from lm-evaluation-harness
(`study.scores.published_rules`). Source: Cobbe et al. 2021 (`#### n`). Numbers are compared as exact
fractions.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from study.answers.numerals import MAX_DIGITS, find_numerals
from study.answers.places import (
    MARK,
    boxed_spans,
    is_read,
    last_number,
    marked_spans,
    read_span,
    stated_spans,
)
from study.answers.plain_text import plain
from study.answers.single_numbers import NotOneNumber, read_single

__all__ = [
    "NotOneNumber",
    "answer_number",
    "contains_number",
    "format_number",
    "marked_number",
    "read_prediction",
    "read_reference",
]

# Where a model goes on with a question of its own; the last ones are what ends a turn in chat templates.
_ANOTHER = re.compile(
    r"[QPEIHU](?<![A-Za-z].)(?:(?<=Q)(?:uestion)?|(?:(?<=P)roblem|(?<=E)xercise|(?<=I)nstruction"
    r"|(?<=H)uman|(?<=U)ser))[ ]?#?\d{0,4}[ ]?[*_]{0,2}:"
    r"|<(?:/s|\|(?:im_end|im_start|endoftext|end_of_text|eot_id|end)\||eos|end_of_turn)>"
)
# Between two marks, a question of more words: an answer was given, and another question was begun.
_QUESTION_WORDS = 5
# What most references are: text in ASCII, one mark, and digits to the end. Read at once: data sets are large.
_PLAIN_REFERENCE = re.compile(
    r"[^#\0\x80-\U0010ffff]*#### (-?)([1-9]\d{0,2}(?:,\d{3}){1,4}|\d{1,15})\n?", re.ASCII
)
_CENTS = re.compile(r"(?<![\d.,])(\d++) ?dollars?,? (?:and )?(\d\d?) ?cents?\b")


def read_reference(answer: str) -> Fraction:
    """Return the number of a reference: what follows its `####`, or where it has none all of it.

    What is accepted is what `answer_number` reads in the same text: who repeats the reference is right.

    Raises:
        NotOneNumber: it is not one number; the message says what it is.
    """
    if (number := _plain_reference(answer)) is not None:
        return number
    text = plain(answer)
    marked = [span for span in marked_spans(text) if is_read(span)]
    if not marked:
        if MARK.search(text):
            raise NotOneNumber("no number follows '####'")
        return read_single(text)
    if len(marked) > 1:
        raise NotOneNumber("two numbers are marked with '####'")
    value = read_single(marked[0])
    if marked_number(answer) != value:
        raise NotOneNumber("another question begins before it, as 'Question:' does")
    return value


class Reading(NamedTuple):
    """What a prediction comes to: `number` by all rules (accuracy), `marked` by the mark alone ('strict')."""

    number: Fraction | None
    marked: Fraction | None


def read_prediction(text: str) -> Reading:
    """Return the numbers that a prediction comes to."""
    text = _own_text(plain(text))
    for span in filter(is_read, marked_spans(text)):
        marked = read_span(span)
        return Reading(marked, marked)
    for spans in (boxed_spans(text), stated_spans(text)):
        for span in filter(is_read, spans):
            return Reading(read_span(span), None)
    return Reading(last_number(text), None)


def answer_number(text: str) -> Fraction | None:
    """Return the number that a prediction comes to (accuracy), or None."""
    return read_prediction(text).number


def marked_number(text: str) -> Fraction | None:
    """Return the number that follows the last `####` on its line (accuracy, 'strict'), or None."""
    if (number := _plain_reference(text)) is not None:
        return number
    # Code, of which a row may be long, has no mark and is not searched for other places.
    text = plain(text)
    return read_prediction(text).marked if MARK.search(text) else None


def contains_number(text: str, number: Fraction) -> bool:
    """Tell whether the digits of `number` occur anywhere in `text` (accuracy, 'lenient').

    A substring counts: 4 is found in 142. That is why this is no measure of skill.
    """
    return format_number(number) in plain(text).replace(",", "")


def format_number(number: Fraction | Decimal) -> str:
    """Return the one way to write `number`: a decimal without exponent or trailing zeros; 1/3 as 1/3."""
    number = Fraction(number)
    places = _decimal_places(number.denominator)
    if places is None or places > MAX_DIGITS:
        return str(number)
    if places == 0:
        return str(number.numerator)
    digits = f"{abs(number.numerator) * 10**places // number.denominator:0{places + 1}}"
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _plain_reference(text: str) -> Fraction | None:
    """Return the number of a reference in the commonest form, or None for every other text."""
    found = _PLAIN_REFERENCE.fullmatch(text)
    if found is None or _ANOTHER.search(text):
        return None
    return Fraction(int(f"{found[1]}{found[2].replace(',', '')}"))


def _decimal_places(denominator: int) -> int | None:
    """Return how many decimal places a fraction in lowest terms needs, or None where they never end."""
    places = {2: 0, 5: 0}
    for prime in places:
        while denominator % prime == 0:
            denominator //= prime
            places[prime] += 1
    return max(places.values()) if denominator == 1 else None


def _own_text(text: str) -> str:
    """Return a prediction up to where it begins another question: what stands before that has a number."""
    if "cent" in text:
        text = _CENTS.sub(lambda match: f"{match[1]}.{int(match[2]):02} dollars", text)
    first = next(find_numerals(text), None)
    another = _ANOTHER.search(text, first.end) if first else None
    text = text[: another.start()] if another else text
    for match, following in pairwise(MARK.finditer(text)):
        between = text[match.end() : following.start()]
        if len(between.partition("?")[0].split()) > _QUESTION_WORDS and "?" in between and is_read(between):
            return text[: following.start()]
    return text
