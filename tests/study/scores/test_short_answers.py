import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.scores.short_answers import exact_match, read_first_line, token_f1


def normalize_answer(s):
    """SQuAD's evaluate-v1.1.py, as published."""

    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return white_space_fix(remove_articles(remove_punc(s.lower())))


def f1_score(prediction, ground_truth):
    """SQuAD's evaluate-v1.1.py, as published."""
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    common = Counter(prediction_tokens) & Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


TEXTS = st.one_of(
    st.text(max_size=12),
    st.lists(st.sampled_from(["The", "an", "cat's", "cat", "U.S.", "it", "A-b", "a"]), max_size=5).map(
        " ".join
    ),
)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_the_scores_are_those_of_squads_script(text: str, references: list[str]) -> None:
    row = {"references": references}
    assert token_f1(text, "", row) == pytest.approx(100 * max(f1_score(text, one) for one in references))
    expected = any(normalize_answer(text) == normalize_answer(one) for one in references)
    assert exact_match(text, "", row) == expected


def test_hand_made_answers() -> None:
    assert exact_match("The  Eiffel tower.", "Eiffel Tower", {})
    assert token_f1("in the Eiffel Tower", "Eiffel Tower", {}) == 80.0
    assert token_f1("Paris", "Eiffel Tower", {}) == 0.0
    assert not exact_match(None, "the", {})
    assert token_f1(None, "the", {}) == 0.0
    assert token_f1("the", "the", {}) == 0.0  # no words are left: as the script has it
    assert exact_match("the", "a", {})


def test_the_first_line_is_the_answer() -> None:
    assert read_first_line("\n  Paris \nQuestion: and then?", {}) == "Paris"
    assert read_first_line(" \n", {}) is None
