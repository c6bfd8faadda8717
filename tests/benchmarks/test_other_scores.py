"""Scores that are no shares, simulated small: their columns are what a study writes, their rates hold."""

import numpy as np
import pytest

from benchmarks.other_scores import (
    LABELS,
    SCORES,
    OtherScore,
    jackknife,
    measure_score_family,
    measure_score_pair,
    score_labels,
)
from benchmarks.protocol import EMBEDDED
from study.scores.jackknife import jackknife as written
from study.scores.labels import macro_f1
from tests.benchmarks.test_protocol import FLAT, MOST, STUDIES, generator

NAMES = ("a", "b", "c", "d", None)


def test_column_of_macro_f1_is_the_one_that_a_study_writes() -> None:
    random = generator()
    references, answers = random.integers(0, 4, 60), random.integers(0, 5, 60)
    pairs = zip(references, answers, strict=True)
    counts = [macro_f1.counts(NAMES[answer], NAMES[reference], {}) for reference, answer in pairs]
    value, column = written(macro_f1, counts)
    assert jackknife(references, answers) == pytest.approx(column)
    assert jackknife(references, answers).mean() == pytest.approx(value)


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_expectation_is_that_of_many_answers(score: OtherScore) -> None:
    random = generator()
    hits = (random.random((1, 400_000)) < 0.3).astype(float)
    if score.score is score_labels:
        hits = hits[:, :40_000]
    (matrix,) = score.score([hits], random)
    assert matrix.mean() == pytest.approx(float(score.expect(np.array(0.3))), abs=1.0)


def test_labels_are_drawn_as_often_as_they_are_said_to_be() -> None:
    assert sum(LABELS) == pytest.approx(1)


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_equal_recipes_are_rarely_called_different_by_other_scores(score: OtherScore) -> None:
    figures = measure_score_pair(EMBEDDED, score, FLAT, STUDIES, generator())
    assert figures["false_positives"] < MOST
    assert 0.92 < figures["covered_mean"] < 0.98
    family = measure_score_family(EMBEDDED, score, FLAT, STUDIES // 3, generator())
    assert family["some_false_positive"] < 0.13


def test_setting_is_named_without_an_address() -> None:
    assert "0x" not in repr(SCORES)
