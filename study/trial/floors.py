"""The no-skill floors and the rival: what the metrics give to answers that need no language model.

Rows of every table, scored by the same code as a model's. A metric on which a floor scores high measures
little: ROUGE-1 of an echoed question is 0.45 on GSM8K. Which of them a study has, its task says.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import numpy as np

from study.config import MATH, TrialConfig
from study.scores.numbers import PROGRAMS
from study.scores.rivals import empty_answers, tfidf_answers
from study.trial.tokenised import Examples


def floor_answers(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    """Return the floor's answer to each scored question."""
    return _FLOORS[config.method](config, train, scored)


def _commonest_answer(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    column = "reference_number" if config.task == MATH else "target"
    (answer, _), *_ = Counter(sorted(train.rows[column])).most_common(1)
    if config.task == MATH:
        answer = f"answer = {answer}" if config.prompt_style == PROGRAMS else f"#### {answer}"
    return [answer] * len(scored)


def _random_solution(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    """The solution of a random training question: the training questions are others than the scored ones."""
    generator = random.Random(config.seed)
    targets = train.rows["target"]
    return [targets[generator.randrange(len(targets))] for _ in range(len(scored))]


def _nearest_solution(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    """The solution of the training question with the largest cosine of the TF-IDF vectors."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True)
    if not any(map(vectorizer.build_analyzer(), train.rows["question"])):  # no word of two letters
        vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer="char")
    known = vectorizer.fit_transform(train.rows["question"])
    nearest = (vectorizer.transform(scored.rows["question"]) @ known.T).argmax(axis=1)
    targets = train.rows["target"]
    return [targets[i] for i in np.asarray(nearest).ravel().tolist()]


def _echo(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    return list(scored.rows["question"])


def _empty(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    return empty_answers([], [], scored.rows["question"], config.seed)


def _rival(config: TrialConfig, train: Examples, scored: Examples) -> list[str]:
    """What a classifier of words answers, which is trained, and is no language model."""
    known = (list(train.rows["question"]), list(train.rows["target"]))
    return tfidf_answers(*known, list(scored.rows["question"]), config.seed)


_FLOORS: dict[str, Callable[[TrialConfig, Examples, Examples], list[str]]] = {
    "floor_commonest_answer": _commonest_answer,
    "floor_random_solution": _random_solution,
    "floor_nearest_solution": _nearest_solution,
    "floor_echo": _echo,
    "floor_empty": _empty,
    "rival_tfidf": _rival,
}
