import pytest

from study.scores.json_schemas import read_schema, satisfies
from study.scores.json_values import read_json
from study.scores.objects import field_f1, is_equal, is_valid

REFERENCE = '{"who": "Ann", "items": ["pen", "cup"], "price": 3}'


def f1(output: str, reference: str = REFERENCE) -> float:
    return field_f1(read_json(output, {}), reference, {})


def test_field_f1_of_hand_made_answers() -> None:
    assert f1('{"price": 3.0, "items": ["pen", "cup"], "who": "Ann"}') == 100.0
    assert f1('{"who": "Ann", "items": ["cup", "pen"], "price": 3}') == 50.0  # lists by index
    assert f1('{"who": "Ann"}') == pytest.approx(200 * 1 / (1 + 4))
    assert f1('{"who": "Ann", "items": ["pen", "cup"], "price": "3"}') == 75.0
    assert f1("no idea") == 0.0
    assert f1("{}", "{}") == 100.0
    assert f1("{}", '{"a": 1}') == 0.0
    assert f1("true", "1") == 0.0


def test_exact_match_is_of_values() -> None:
    assert is_equal(read_json('{"b": 1.0, "a": 2}', {}), '{"a": 2, "b": 1}', {})
    assert not is_equal(read_json('{"a": 2}', {}), '{"a": 2, "b": 1}', {})
    assert not is_equal(None, "null", {})
    assert is_equal(read_json("null", {}), "null", {})


def test_valid_is_json_and_satisfies_the_schema() -> None:
    schema = read_schema({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}})
    for output, is_one in (
        ('{"a": 1}', True),
        ('{"a": "1"}', False),
        ("{}", False),
        ("[]", False),
        ("a", False),
    ):
        assert is_valid(read_json(output, {}), "", {"schema": schema}) is is_one
    assert is_valid("[]", "", {})
    assert not is_valid(None, "", {})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "Expecting"),
        ({"type": "text"}, "'text' is not valid"),
        ({"required": "a"}, "is not of type 'array'"),
        ("[1]", "a schema is an object, true or false"),
        ({"$schema": []}, "is no text"),
        ({"pattern": "("}, "is not a 'regex'"),
        ({"$schema": "http://example.org/own", "$ref": "#/a"}, "nothing stands at"),
        ({"$ref": "https://example.org/s.json"}, "it refers to another document"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "nothing stands at"),
    ],
)
def test_a_schema_that_is_none_is_refused_with_the_reason(schema: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_schema(schema)


def test_a_schema_may_refer_to_itself_and_may_be_a_text() -> None:
    schema = read_schema('{"properties": {"part": {"$ref": "#"}, "n": {"type": "number"}}, "type": "object"}')
    assert satisfies({"part": {"part": {"n": 1}}}, schema)
    assert not satisfies({"part": {"part": {"n": "1"}}}, schema)
    assert satisfies(1, read_schema(True))
