import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.scores.jackknife import jackknife, sum_up
from study.scores.labels import macro_f1
from study.scores.overlap import bleu
from study.tasks import Aggregate


def by_hand(aggregate: Aggregate, counts: list[dict[str, float]]) -> list[float]:
    n = len(counts)
    value = aggregate.value(sum_up(counts))
    without = [aggregate.value(sum_up(counts[:i] + counts[i + 1 :])) for i in range(n)]
    return [value + (n - 1) * (sum(without) / n - one) for one in without]


LABELS = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(st.one_of(st.none(), LABELS), LABELS), min_size=2, max_size=20))
def test_the_column_is_that_of_a_plain_loop_and_its_mean_the_score(pairs) -> None:
    counts = [macro_f1.counts(said, label, {}) for said, label in pairs]
    value, column = jackknife(macro_f1, counts)
    assert value == macro_f1.value(sum_up(counts))
    assert column == pytest.approx(by_hand(macro_f1, counts), abs=1e-9)
    assert math.fsum(column) / len(column) == pytest.approx(value, abs=1e-9)


def test_a_mean_is_its_own_jackknife() -> None:
    """What the values of a plain mean are: those of the questions."""
    mean = Aggregate(lambda said, label, row: {}, lambda sums: sums["x"] / sums["n"])
    value, column = jackknife(mean, [{"x": x, "n": 1.0} for x in (1.0, 5.0, 9.0, 1.0)])
    assert (value, column) == (4.0, pytest.approx([1.0, 5.0, 9.0, 1.0]))


def test_one_question_holds_the_score() -> None:
    assert jackknife(macro_f1, [{"tp a": 1.0}]) == (100.0, [100.0])


def test_two_thousand_questions_take_no_time() -> None:
    answers = [f"the {i} cats of {i % 7} houses sat on {i * 3} mats today" for i in range(2000)]
    counts = [bleu.counts(answers[i], answers[i - i % 3], {}) for i in range(2000)]
    calls = []
    counted = Aggregate(bleu.counts, lambda sums: calls.append(1) or bleu.value(sums))
    value, column = jackknife(counted, counts)
    assert math.fsum(column) / 2000 == pytest.approx(value)
    assert len(calls) < 50  # equal counts are computed once
