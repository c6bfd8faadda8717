"""When two questions are one: after folding case, white space and punctuation.

What a question asks stays: a sign between numbers, a decimal point, a percent sign. `3 - 2` and `3 + 2` are
two questions, and so are `1.5` and `15`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

_ACUTE = "\xb4"  # typed for an apostrophe; NFKC makes a space and an accent of it
_JOINERS = "\u200c\u200d"  # they part words in some scripts
# 1,000 and 1'000; and 1 000, where the number has groups of three alone.
_THOUSANDS = re.compile(r"(?<=\d)[,'](?=\d{3}(?!\d))")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,'])[1-9]\d{0,2}(?: \d{3})+(?![\d,]*\d)")
_NO_ASCII_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}
_NO_LETTERS = re.compile(r"[\W_]+")
_SIGNS = "-+*/^=<>%()"
# A number with the sign that stands before it alone, a word, a sign.
_TOKEN = re.compile(
    rf"(?:(?<![^\s(])-)?(?:\d+(?:\.\d+)?|\.\d+)|[^\s\d{re.escape(_SIGNS)}.]+|[{re.escape(_SIGNS)}]"
)


class _Signs(dict[int, str]):
    """Character -> the one that stands for it, or nothing for what is not seen (a soft hyphen)."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        self[code] = "" if unicodedata.category(sign) == "Cf" and sign not in _JOINERS else sign
        return self[code]


_SAME_SIGNS = _Signs(
    str.maketrans(
        {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"), "×": "*", "⋅": "*", "·": "*"}
        | {"÷": "/", "\u2044": "/"}
        | dict.fromkeys("\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032`", "'")
    )
)


class _Categories(dict[int, str]):
    """Character -> itself, or a space for punctuation, white space and what is not seen."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        kept = sign in _SIGNS or sign == "." or unicodedata.category(sign) not in _DROPPED
        self[code] = sign if kept else " "
        return self[code]


_DROPPED = {"Zs", "Zl", "Zp", "Cc", "Cf", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc"}
_KEPT = _Categories()


def question_key(question: str) -> str:
    """Return what is equal for two questions that differ in case, white space and punctuation alone."""
    text = _THOUSANDS.sub("", _folded(question))
    text = _SPACED_THOUSANDS.sub(lambda found: found[0].replace(" ", ""), text)
    text = re.sub(r"(?<=\d)'(?=\d)", " ", text).replace("'", "")
    tokens = _TOKEN.findall(text.translate(_KEPT))
    kept = [token for place, token in enumerate(tokens) if token not in _SIGNS or _counts(tokens, place)]
    return " ".join(kept) or question.strip()


def find_twins(questions: Callable[[], Iterable[str]]) -> dict[str, str]:
    """Return, for each question that is another one in other letters, the one that stands for both.

    Questions without such a twin, which are all in most data, are left out.

    Args:
        questions: gives them all; it is called again where there may be twins, for few are held at once.
    """
    numbers, counts = np.unique(np.fromiter(map(_letters, questions()), np.int64), return_counts=True)
    shared = {*numbers[counts > 1].tolist()}
    alike: dict[int, set[str]] = defaultdict(set)
    for question in questions() if shared else ():
        if (letters := _letters(question)) in shared:
            alike[letters].add(question)
    groups: dict[str, set[str]] = defaultdict(set)
    for candidates in alike.values():
        for question in candidates if len(candidates) > 1 else ():
            groups[question_key(question)].add(question)
    return {question: min(group) for group in groups.values() if len(group) > 1 for question in group}


def _letters(question: str) -> int:
    """Return a number that is equal for questions with equal keys, and for few others; it is made fast."""
    if question.isascii():
        return hash(question.translate(_NO_ASCII_LETTERS).lower())
    return hash(_NO_LETTERS.sub("", _folded(question)))


def _folded(question: str) -> str:
    """Return a question without the case of its letters, and with one sign for those that look alike."""
    return unicodedata.normalize("NFKC", question.replace(_ACUTE, "'")).casefold().translate(_SAME_SIGNS)


def _counts(tokens: list[str], place: int) -> bool:
    """Tell whether the sign at `place` is one of arithmetic, and no dash, bullet or bracket of a sentence."""
    left = tokens[place - 1] if place else ""
    right = tokens[place + 1] if place + 1 < len(tokens) else ""
    if tokens[place] == "%":
        return _is_number(left)
    if tokens[place] in "()":
        return any(token and token in "-+*/^=<>" for token in (left, right))
    return _is_operand(left) and _is_operand(right)


def _is_operand(token: str) -> bool:
    return bool(token) and (token in _SIGNS or len(token) == 1 or _is_number(token))


def _is_number(token: str) -> bool:
    return token[-1:].isdigit()
