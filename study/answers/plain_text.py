"""Text in which every digit, sign and separator is the ASCII one: what `study.answers.numerals` reads.

Unicode: minus signs, full-width signs and letters, digits of any script, vulgar fractions, superscripts, the
spaces that group digits. LaTeX: what stands around numbers (`{,}`, `\\,`, `\\frac{1}{2}`, `\\text{...}`).
Every step takes time linear in the text.
"""

from __future__ import annotations

import re
import unicodedata

# The one space that groups digits: the no-break and thin spaces become it.
GROUP_SPACE = "\u00a0"

_MINUS_SIGNS = "\u02d7\u2010\u2011\u2012\u2013\u2212\u2796\ufe58\ufe63\uff0d"
_GROUP_SPACES = "\u2007\u2008\u2009\u200a\u202f\u205f"
# Zero-width characters, and those that turn the direction of writing.
_UNSEEN = "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
_UNSEEN += "\u2060\u2066\u2067\u2068\u2069\ufeff"
_SIGNS: dict[int, str | None] = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width ASCII
    **dict.fromkeys(map(ord, _MINUS_SIGNS), "-"),
    **dict.fromkeys(map(ord, _GROUP_SPACES), GROUP_SPACE),
    **dict.fromkeys(map(ord, _UNSEEN), None),
    **dict.fromkeys(map(ord, "\u2044\u2215"), "/"),
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'"),
    0x3000: " ",
    0x066A: "%",
    0x066B: ".",
    0x066C: ",",
    0xFFE0: "¢",
    0xFFE1: "£",
    0xFFE5: "¥",
}
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e\u2189]")
_SUPERSCRIPT = re.compile("(?<=\\d)[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")

_LATEX_NUMBER = r"[ ]*+(?:\{[ ]*+(-?[\d.]++)[ ]*+\}|(\d))"
_LATEX = (
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\!"), ""),
    (re.compile(r"\\[,;: ]"), GROUP_SPACE),
    (re.compile(r"\\([$%#&_])"), r"\1"),
    (re.compile(r"\^(?:\{\\circ\}|\\circ\b)|\\degree\b"), "°"),
    (re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox) ?\{([^{}]*+)\}"), r" \1"),
    (re.compile(r"\\(?:times|cdot)\b"), "*"),
    (re.compile(r"\\(?:left|right)(?![A-Za-z])"), ""),
    (re.compile(r"\\[()\[\]]"), " "),
)
_FRACTION = re.compile(rf"\\[dtc]?frac{_LATEX_NUMBER}{_LATEX_NUMBER}")
_BRACED_POWER = re.compile(r"\^\{ ?([-+]?\w++) ?\}")


def plain(text: str) -> str:
    """Return `text` with its numbers in ASCII; what is no part of a number may change too."""
    if not text.isascii():
        text = _plain_unicode(text)
    if "\\" in text or "{" in text:
        text = _plain_latex(text)
    return text


def _plain_unicode(text: str) -> str:
    text = text.translate(_SIGNS)
    text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
    text = _VULGAR.sub(lambda match: _apart(match, _ascii(match[0]).replace("\u2044", "/")), text)
    return _SUPERSCRIPT.sub(lambda match: f"^{_ascii(match[0])}".replace("\u2212", "-"), text)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _plain_latex(text: str) -> str:
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    text = _BRACED_POWER.sub(r"^\1", text)
    return _FRACTION.sub(lambda match: _apart(match, "/".join(filter(None, match.groups()))), text)


def _apart(match: re.Match[str], fraction: str) -> str:
    """Return a fraction, with a space before it where it is that of a mixed number: 1 1/2."""
    before = match.string[match.start() - 1 : match.start()]
    return f" {fraction}" if before.isdigit() else fraction
