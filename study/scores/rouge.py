"""ROUGE: F-measures of what two texts share, stemmed, by `rouge-score` (Lin 2004).

ROUGE-1 is of words, ROUGE-2 of pairs of words, ROUGE-L of the longest common subsequence of words.

That package's tokenizer knows a to z and digits alone: it finds no word in a Chinese text, and `jos` in José.
Text in ASCII goes through it unchanged. Other text is split here: a word is letters with their marks, or
digits; in scripts that are written without spaces every letter is one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

# Han, kana, Thai, Lao, Myanmar, Khmer, Tibetan: first and last code point.
_UNSPACED = (
    *((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF)),
    *((0x3005, 0x3007), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
    (0x20000, 0x3FFFF),
)


def rouge1(text: str, reference: str) -> float:
    """Return ROUGE-1 of a text, 0 to 1."""
    return float(_scorer("rouge1").score(reference, text)["rouge1"].fmeasure)


@lru_cache(maxsize=8)  # three scores ask for the same pair one after another
def rouge(text: str, reference: str) -> dict[str, float]:
    """Return "rouge1", "rouge2" and "rougeL" of a text, 0 to 1."""
    scores = _scorer("rouge1", "rouge2", "rougeL").score(reference, text)
    return {name: float(score.fmeasure) for name, score in scores.items()}


def split_words(text: str) -> list[str]:
    """Return the words of a text in any script, in lower case."""
    # Vulgar fractions and superscripts part words, as they do for rouge-score, before they become digits.
    kept = "".join(" " if unicodedata.category(sign) == "No" else sign for sign in text)
    return ["".join(word) for word in _words(unicodedata.normalize("NFKC", kept).lower())]


def _words(text: str) -> Iterator[list[str]]:
    word: list[str] = []
    for letter in text:
        kind = unicodedata.category(letter)[0]
        if kind == "M" and word:
            word.append(letter)
            continue
        if word and (kind not in "LN" or _is_unspaced(letter) or _is_unspaced(word[0])):
            yield word
            word = []
        if kind in "LN":
            word.append(letter)
    if word:
        yield word


def _is_unspaced(letter: str) -> bool:
    return letter >= "\u0e00" and any(first <= ord(letter) <= last for first, last in _UNSPACED)


class _Tokenizer:
    """What RougeScorer takes for a tokenizer."""

    def __init__(self) -> None:
        from nltk.stem import porter

        self._stem = lru_cache(maxsize=100_000)(porter.PorterStemmer().stem)

    def stem(self, word: str) -> str:
        """Return a word's stem: what `tokenize` asks a stemmer for."""
        return self._stem(word)

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, those in ASCII stemmed."""
        from rouge_score.tokenize import tokenize

        if text.isascii():
            return list(tokenize(text, self))
        words = split_words(text)
        return [self.stem(word) if word.isascii() and len(word) > 3 else word for word in words]


@cache
def _scorer(*names: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(names), tokenizer=_Tokenizer())
