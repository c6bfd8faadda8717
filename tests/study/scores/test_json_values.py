import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.scores.json_values import MAX_DEPTH, canonical, leaves, parse_json, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), parts, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (' {"b": 2.0,\n "a": [1, {"c": null}]} ', {"a": [1, {"c": None}], "b": 2}),
        ('Here it is: {"a": 1}. And {"b": 2}', {"a": 1}),
        ('See [it]: {"a": {"b": 1}}', {"a": {"b": 1}}),
        ('```json\n{"a": 1}\n```\nThat was it: {"b": 2}', {"a": 1}),
        ("```\n[1, 2]", [1, 2]),
        ('{"a": 1', None),
        ('{"a": 1} }', {"a": 1}),
        ("5", 5),
        ('"five"', "five"),
        ("the answer is 5", None),
        ("", None),
        ("{'a': 1}", None),
    ],
)
def test_the_first_value_of_an_output_is_read(output: str, value: object) -> None:
    assert read_json(output, {}) == (None if value is None else canonical(value))


@pytest.mark.parametrize(
    "output",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 50_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "9" * 5000,
        "-" + "9" * 309,
        "1e999",
        "NaN",
        "[-Infinity]",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        r'"\ud800"',
        r'{"\udfff": 1}',
        "[ " * 200 + "{",
        "\0",
    ],
)
def test_what_is_hostile_is_none(output: str) -> None:
    value = read_json(output, {})
    # A part of the value that is nested too deep may be shallow enough.
    assert value is None or output.startswith("[[")


def test_a_list_within_the_depth_is_read() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, {}) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


@given(st.text(st.sampled_from('{}[]":,\\u1e9.-truenl \n`x'), max_size=40))
def test_reading_raises_at_nothing_and_what_is_read_is_json(output: str) -> None:
    text = read_json(output, {})
    assert text is None or canonical(parse_json(text)) == text


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    text = read_json(json.dumps(value), {})
    assert text == read_json(json.dumps(value, indent=1, ensure_ascii=False), {})
    assert text is not None
    assert parse_json(text) == value


def test_equal_values_have_one_text_and_true_is_no_1() -> None:
    assert canonical({"a": 1, "b": [2.0]}) == canonical({"b": [2], "a": 1.0})
    assert canonical(True) != canonical(1)
    assert canonical([1, 2]) != canonical([2, 1])


def test_leaves_have_paths_of_keys_and_indexes() -> None:
    assert leaves({"a": [1, {"b": "x"}], "c": {}}) == {
        (("a", 0), "1"),
        (("a", 1, "b"), '"x"'),
        (("c",), "{}"),
    }
    assert leaves([]) == {((), "[]")}
