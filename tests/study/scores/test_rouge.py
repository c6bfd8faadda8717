import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from study.scores.rouge import rouge1, split_words


@pytest.mark.parametrize(
    "text", ["他有5个苹果", "у него 5 яблок", "उसके पास 5 सेब हैं", "เขามีแอปเปิล 5 ผล", "لديه ٥ تفاحات"]
)
def test_rouge1_reads_any_script(text: str) -> None:
    other = "彼は本を読むпривет नमस्ते สวัสดีمرحبا"
    assert rouge1(text, text) == 1.0
    assert rouge1("#### 7", text) == 0.0
    assert rouge1(text, f"{text} {other}") < 1.0


def test_rouge1_of_one_changed_letter_in_a_script_without_spaces() -> None:
    assert rouge1("他有5个苹果", "他有6个苹果") == pytest.approx(5 / 6)


def test_rouge1_keeps_a_letter_with_its_accent() -> None:
    assert split_words("José’s 2½ niños") == ["josé", "s", "2", "niños"]


@given(
    st.text(st.characters(max_codepoint=127), max_size=60),
    st.text(st.characters(max_codepoint=127), max_size=60),
)
def test_rouge1_of_ascii_is_the_packages_own(text: str, reference: str) -> None:
    expected = RougeScorer(["rouge1"], use_stemmer=True).score(reference, text)["rouge1"].fmeasure
    assert rouge1(text, reference) == expected
