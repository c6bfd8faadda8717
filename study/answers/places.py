"""The places of a prediction where its number may stand, and reading what stands there.

A place is a span of text that is plain (see `study.answers.plain_text`). `study.answers.reading` says in
which order they count.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from study.answers.numerals import Numeral, find_numerals
from study.answers.plain_text import GROUP_SPACE
from study.answers.single_numbers import NotOneNumber, read_single

MARK = re.compile(r"#{4,}+")
_BOXED = re.compile(r"\\(?:boxed|fbox)")
_ANSWER_IS = re.compile(
    r"\banswer\b[ *_`\"')]{0,5}(?:(?P<label>:)|is|equals|comes to|would be|will be)(?!\s++not\b)",
    re.IGNORECASE,
)
# x = -\boxed{5}
_MINUS_BEFORE = re.compile(r"(?:^|[\s=(:$])-\Z")
# `#### Step 2: ...` is a heading.
_HEADING = re.compile(r"\b(?:step|part|question|problem|example|method|option|case|section)\b", re.IGNORECASE)
# How far from the beginning of its place a number may stand.
_LEAD_CHARACTERS = 80
_SENTENCE_END = re.compile(r"[.!?;](?=\s|\Z)|\n")
# Between two numbers of a calculation: " apples x ", "% = $".
_GAP = re.compile(
    r"[ ]?%?(?:[ ]?(?:/[ ]?)?(?!x[ (]*[$€£¥]?\Z)[^\W\d_]++){0,4}+"
    r"[ )]*+(?P<sign>[-+*/×÷=x])[ (]*+[$€£¥]?[ ]*+-?"
)
_GAP_CHARACTERS = 60


def marked_spans(text: str) -> Iterator[str]:
    """Yield what follows each mark on its line, up to the next mark, the last one first."""
    end = len(text)
    for match in reversed(list(MARK.finditer(text))):
        yield text[match.end() : end].split("\n", 1)[0]
        end = match.start()


def boxed_spans(text: str) -> Iterator[str]:
    """Yield the content of the last box; of one that is not closed, what stands on its line."""
    boxes = list(_BOXED.finditer(text))
    if not boxes:
        return
    rest = text[boxes[-1].end() :].split("\n", 1)[0].lstrip()
    sign_before = "-" if _MINUS_BEFORE.search(text, max(0, boxes[-1].start() - 2), boxes[-1].start()) else ""
    depth = 0
    for place, sign in enumerate(rest):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            yield sign_before + (rest[1:place] if place else rest)
            return
    yield sign_before + rest[1:]


def stated_spans(text: str) -> Iterator[str]:
    """Yield what follows each "the answer is" or "Answer:" on its line, the last one first."""
    if "answer" not in text.lower():
        return
    end = len(text)
    for match in reversed(list(_ANSWER_IS.finditer(text))):
        rest = text[match.end() : end]
        end = match.start()
        if not match["label"] or _states_a_number(rest):
            yield rest.split("\n", 1)[0]


def _states_a_number(text: str) -> bool:
    """Tell whether a number follows a mere label, and no worked solution: 'Answer: 5 + 3 = 8. Then ...'."""
    sentence, *rest = _SENTENCE_END.split(text.lstrip(), maxsplit=1)
    try:
        read_single(sentence)
        return True
    except NotOneNumber:
        first = next(find_numerals(sentence), None)
    if first is None or any(map(str.isalpha, sentence[: first.start])):
        return False
    return not _calculate(sentence)[1] and next(find_numerals("".join(rest)), None) is None


def is_read(span: str) -> bool:
    """Tell whether a place holds a number, or what stands for one."""
    first = next(find_numerals(span), None)
    if first is None or first.start > _LEAD_CHARACTERS:
        return False
    return not _HEADING.search(span[: first.start])


def read_span(span: str) -> Fraction | None:
    """Return the number that a place holds: the one number that it is, an equation's result, or its first."""
    try:
        return read_single(span)
    except NotOneNumber:
        result, _ = _calculate(span)
    return result.value if result else None


def _calculate(span: str) -> tuple[Numeral | None, bool]:
    """Return the first number of a span, or of a calculation that begins there its result; and which it is.

    A calculation that states no result has none: 20 - 5.
    """
    numerals = find_numerals(span)
    last = result = next(numerals, None)
    calculates = False
    for numeral in numerals:
        assert last is not None
        gap = span[last.end : numeral.start]
        joined = _GAP.fullmatch(gap) if len(gap) <= _GAP_CHARACTERS else None
        if joined is None:
            if result is None and "=" in gap and not _SENTENCE_END.search(gap):
                result = numeral
            break
        last, calculates = numeral, True
        result = numeral if joined["sign"] == "=" else None
    return result, calculates


def last_number(text: str) -> Fraction | None:
    """Return the last number of a text, or None."""
    if " 000" in text:
        text = re.sub(r"(?<=\d) (?=000(?!\d))", GROUP_SPACE, text)
    last = deque(find_numerals(text), maxlen=1)
    return last[0].value if last else None
