import pytest

from study.tasks import BadRow, Given
from tasks.extraction import TASK
from tests.tasks.scored import scores_of

SCHEMA = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'


def checked(answer: str, **extra: object) -> Given:
    assert TASK.check is not None
    return TASK.check(Given("Ann buys 2 pens.", answer, extra))


def test_scores_of_hand_made_answers() -> None:
    rows = [{"answer": '{"who": "Ann", "n": 2}', "schema": SCHEMA}] * 4
    outputs = [
        '{"n": 2, "who": "Ann"}',
        'So: {"who": "Bob", "n": 2}',
        '{"who": "Ann"}',
        '{"who": "Ann", "n":',
    ]
    assert scores_of(TASK, outputs, rows) == {
        "exact_match": 25.0,
        "field_f1": pytest.approx((100 + 50 + 200 / 3 + 0) / 4),
        "valid": 50.0,
    }


def test_a_schema_may_be_an_object_or_text_and_is_shown_on_demand() -> None:
    given = checked('{"n": 2}', schema=SCHEMA, group="a")
    assert given.extra["group"] == "a"
    assert checked('{"n": 2}', schema={"required": ["n"]}).extra == {"schema": '{"required": ["n"]}'}
    source = TASK.style("schema").source
    assert callable(source)
    shown = source({"question": "Ann buys 2 pens.", "schema": '{"required": ["n"]}'})
    assert shown == 'Answer in JSON by this schema: {"required": ["n"]}\nAnn buys 2 pens.'
    assert source({"question": "Ann"}) == "Answer in JSON.\nAnn"


@pytest.mark.parametrize(
    ("answer", "schema", "said"),
    [
        ("Ann", None, "the answer is no JSON: Expecting value.*valid: {"),
        ('{"n": 1, "n": 2}', None, "a key stands twice"),
        ('"\\ud800"', None, "the answer is no JSON"),
        ("{}", SCHEMA, "does not satisfy the row's schema"),
        ("{}", '{"type": "text"}', "its schema is no JSON schema that can be used"),
        ("{}", '{"$ref": "#"}', "its schema is no JSON schema that can be used"),
        ("{}", 7, "its schema is no JSON schema that can be used"),
    ],
)
def test_what_can_not_be_scored_is_a_bad_row(answer: str, schema: object, said: str) -> None:
    with pytest.raises(BadRow, match=said):
        checked(answer, schema=schema)
