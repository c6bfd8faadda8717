import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from study.scores.jackknife import sum_up
from study.scores.overlap import bleu, chrf, rouge_1, rouge_2, rouge_l

WORDS = st.lists(st.sampled_from(["the", "cat", "sat.", "on", "mats,", "running", "3", "猫"]), max_size=9)
TEXTS = st.one_of(WORDS.map(" ".join), st.text(max_size=12))
PAIRS = st.lists(st.tuples(TEXTS, TEXTS.filter(str.strip)), min_size=1, max_size=8)


@given(PAIRS)
def test_bleu_is_sacrebleus_corpus_bleu(pairs: list[tuple[str, str]]) -> None:
    sums = sum_up([bleu.counts(text, reference, {}) for text, reference in pairs])
    expected = sacrebleu.corpus_bleu([text for text, _ in pairs], [[reference for _, reference in pairs]])
    assert bleu.value(sums) == pytest.approx(expected.score)


@given(PAIRS)
def test_chrf_is_sacrebleus_corpus_chrf(pairs: list[tuple[str, str]]) -> None:
    sums = sum_up([chrf.counts(text, reference, {}) for text, reference in pairs])
    expected = sacrebleu.corpus_chrf([text for text, _ in pairs], [[reference for _, reference in pairs]])
    assert chrf.value(sums) == pytest.approx(expected.score)


def test_bleu_and_chrf_of_a_right_text_are_100_and_of_none_0() -> None:
    text = "the cats are sitting on two mats"
    for aggregate in (bleu, chrf):
        assert aggregate.value(aggregate.counts(text, text, {})) == 100.0
        assert aggregate.value(aggregate.counts(None, text, {})) == 0


def test_rouge_is_the_packages_in_percent() -> None:
    text, reference = "the cats were sitting on mats", "a cat sat on the mats, sitting on"
    expected = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(reference, text)
    for score, name in ((rouge_1, "rouge1"), (rouge_2, "rouge2"), (rouge_l, "rougeL")):
        assert score(text, reference, {}) == pytest.approx(100 * expected[name].fmeasure)
        assert 0 < score(text, reference, {}) < 100
        assert score(None, reference, {}) == 0
