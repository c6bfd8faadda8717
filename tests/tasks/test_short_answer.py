import json

import pytest

from study.tasks import BadRow, Given
from tasks.short_answer import TASK
from tests.tasks.scored import scores_of


def checked(answer: str, **extra: str) -> Given:
    assert TASK.check is not None
    return TASK.check(Given("Where is it?", answer, extra))


def test_squads_rows_have_their_text_below_the_question_and_all_references() -> None:
    answers = {"text": ["in Paris", "Paris", "Paris"], "answer_start": [3, 6, 6]}
    given = checked(json.dumps(answers), context="It is in Paris.", group="places")
    assert given.question == "Where is it?\n\nIt is in Paris."
    assert given.answer == "in Paris"
    assert given.extra == {"group": "places", "references": ["in Paris", "Paris"]}


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        ("Paris", "Paris"),
        ('["Paris", "in Paris"]', "Paris"),
        ("[sic] Paris", "[sic] Paris"),
        ("[1905, 1906]", "1905"),
    ],
)
def test_an_answer_is_a_text_or_a_list(answer: str, first: str) -> None:
    assert checked(answer).answer == first
    assert checked(answer).question == "Where is it?"


@pytest.mark.parametrize(
    "answer", ['{"text": []}', '[""]', "[]", '{"a": 1}', "[[1]]", "[true]", '{"text": null}', " "]
)
def test_what_holds_no_answer_is_a_bad_row(answer: str) -> None:
    with pytest.raises(BadRow, match="valid: a text, a list of texts"):
        checked(answer)


def test_scores_of_hand_made_answers() -> None:
    rows = [
        {"answer": "in Paris", "references": ["in Paris", "Paris"]},
        {"answer": "Rome"},
        {"answer": "old Rome"},
    ]
    scored = scores_of(TASK, ["Paris.\nQuestion: what", "", "Rome"], rows)
    assert scored == {"f1": pytest.approx((100 + 0 + 200 / 3) / 3), "exact_match": pytest.approx(100 / 3)}
