"""Exact match and token F1 as SQuAD v1.1 defines them (Rajpurkar et al. 2016, its evaluate-v1.1.py).

Both compare texts in lower case, without punctuation (ASCII's), articles and superfluous white space, and
take the best of a question's references: `row["references"]`, or the reference alone.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from study.tasks.task import Row

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def read_first_line(output: str, row: Row) -> str | None:
    """Return the output's first line that is not blank, or None."""
    return next((line.strip() for line in output.splitlines() if line.strip()), None)


def exact_match(prediction: str | None, reference: str, row: Row) -> bool:
    """Tell whether the answer is one of the references."""
    if prediction is None:
        return False
    return _words(prediction) in [_words(text) for text in _references(reference, row)]


def token_f1(prediction: str | None, reference: str, row: Row) -> float:
    """Return the best F-measure of words with a reference, in %; two texts without words have none: 0."""
    if prediction is None:
        return 0.0
    return max(_f1(_words(prediction), _words(text)) for text in _references(reference, row))


def _f1(said: Sequence[str], right: Sequence[str]) -> float:
    shared = sum((Counter(said) & Counter(right)).values())
    return 200.0 * shared / (len(said) + len(right)) if shared else 0.0


def _references(reference: str, row: Row) -> Sequence[str]:
    return row.get("references") or [reference]


def _words(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split()
