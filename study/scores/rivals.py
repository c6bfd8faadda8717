"""Answers that no language model gives: none at all, and what TF-IDF with logistic regression says.

Each is a function of (train questions, train answers, scored questions, seed) that returns a text for each
scored question. Neither draws anything, so a seed changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from study.scores.rouge import split_words

# Words and pairs of words that are kept, the most frequent first.
MAX_FEATURES = 50_000
# Weaker than scikit-learn's own regularisation (1), which is too strong for rows of length 1.
INVERSE_REGULARISATION = 10.0
MAX_ITERATIONS = 1000

_WORD = re.compile(r"\w+")


def empty_answers(
    questions: Sequence[str], answers: Sequence[str], scored: Sequence[str], seed: int
) -> list[str]:
    """Return an empty answer for each."""
    return [""] * len(scored)


def tfidf_answers(
    questions: Sequence[str], answers: Sequence[str], scored: Sequence[str], seed: int
) -> list[str]:
    """Return the training answers that logistic regression predicts from the TF-IDF of words and their pairs.

    With one answer in training, or no word, that is the commonest.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if len(set(answers)) == 1 or not any(map(words, questions)):
        (commonest, _), *_ = Counter(sorted(answers)).most_common(1)
        return [commonest] * len(scored)
    vectorizer = TfidfVectorizer(analyzer=words_and_pairs, sublinear_tf=True, max_features=MAX_FEATURES)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=MAX_ITERATIONS)
    with threadpool_limits(1):
        model.fit(vectorizer.fit_transform(questions), list(answers))
        return [str(answer) for answer in model.predict(vectorizer.transform(scored))]


def words_and_pairs(text: str) -> list[str]:
    """Return the words of a text and each two that follow one another."""
    found = words(text)
    return [*found, *(f"{one} {next_one}" for one, next_one in pairwise(found))]


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; in scripts without spaces each letter is one."""
    return _WORD.findall(text.lower()) if text.isascii() else split_words(text)
