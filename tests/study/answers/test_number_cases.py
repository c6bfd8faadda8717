"""The table of cases in tests/cases/numbers.toml, and that a model that repeats a reference is right."""

import json
import re
import tomllib
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.answers.reading import NotOneNumber, format_number, read_prediction, read_reference
from study.errors import UserError
from study.scores.numbers import score_answer
from study.scores.published_rules import is_flexible_match, is_strict_match
from tests.conftest import write_jsonl
from tests.study.splits import load_split

ROOT = Path(__file__).resolve().parents[3]
CASES = tomllib.loads((ROOT / "tests" / "cases" / "numbers.toml").read_text(encoding="utf-8"))
GSM8K = ROOT.parent / "shared" / "data" / "gsm8k"
EMBEDDED = ROOT / "study" / "embedded" / "data"


def written(number: Fraction | None) -> str:
    return "" if number is None else format_number(number)


def repeated(answer: str) -> dict:
    """Return the scores of a model that repeats the reference."""
    return score_answer(answer, answer, format_number(read_reference(answer)))


def test_the_corpus_is_large_and_has_no_case_twice() -> None:
    assert sum(map(len, CASES.values())) >= 250
    for rows in CASES.values():
        inputs = [tuple(row[:-1]) if len(row) == 2 else tuple(row[:2]) for row in rows]
        assert len(set(inputs)) == len(inputs)


@pytest.mark.parametrize(("text", "value"), CASES["accepted"])
def test_a_reference_that_is_one_number(text: str, value: str) -> None:
    marked = f"12 + 6 = 18, or 3 of 4.\n#### {text}"
    assert written(read_reference(marked)) == value
    assert written(read_reference(text)) == value
    assert written(read_prediction(marked).number) == value
    scores = repeated(marked)
    assert (scores["correct"], scores["correct_strict"], scores["correct_lenient"]) == (True, True, True)


@pytest.mark.parametrize(("text", "reason"), CASES["refused"])
def test_a_reference_that_is_not_one_number(text: str, reason: str) -> None:
    with pytest.raises(NotOneNumber, match=re.escape(reason)):
        read_reference(f"so it is\n#### {text}")


@pytest.mark.parametrize(("text", "number", "marked"), CASES["predictions"])
def test_a_prediction(text: str, number: str, marked: str) -> None:
    reading = read_prediction(text)
    assert (written(reading.number), written(reading.marked)) == (number, marked)


@pytest.mark.parametrize(("text", "reference", "strict", "flexible"), CASES["published"])
def test_the_published_rules(text: str, reference: str, strict: bool, flexible: bool) -> None:
    assert (is_strict_match(text, reference), is_flexible_match(text, reference)) == (strict, flexible)


def harness(text: str, reference: str, pattern: str, select: int) -> bool:
    """Score as the harness does, step by step: its filter, and its exact_match in numpy."""
    for stop in ("Question:", "</s>", "<|im_end|>"):
        text = text.split(stop)[0]
    found = re.compile(pattern).findall(text)
    match = found[select] if found else "[invalid]"
    if isinstance(match, tuple):
        match = next(group for group in match if group)
    prediction, expected = match.strip(), reference
    for ignored in (",", "\\$", "(?s).*#### ", "\\.$"):
        prediction, expected = re.sub(ignored, "", prediction), re.sub(ignored, "", expected)
    return bool((np.char.lower(np.array([prediction])) == np.char.lower(np.array([expected])))[0])


PIECES = st.sampled_from([*"0123456789$.,- \n", "#### ", "####", "Question:", "</s>", "so it is ", "18", "٤"])


@given(st.lists(PIECES, max_size=15).map("".join), st.lists(PIECES, max_size=8).map("".join))
def test_the_published_rules_are_the_harness_to_the_letter(text: str, reference: str) -> None:
    for answer in (text, reference):
        strict = harness(answer, reference, "#### (\\-?[0-9\\.\\,]+)", 0)
        assert is_strict_match(answer, reference) == strict
        flexible = harness(answer, reference, "(-?[$0-9.,]{2,})|(-?[0-9]+)", -1)
        assert is_flexible_match(answer, reference) == flexible


DIGITS = st.integers(0, 10**15)
WRITTEN = st.one_of(
    DIGITS.map(str),
    DIGITS.map("{:,}".format),
    DIGITS.map(lambda n: f"{n:,}".replace(",", "\u202f")),
    st.decimals(-(10**9), 10**9, places=3).map(str),
    st.decimals(0, 10**9, places=2).map("{:,f}".format),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(st.integers(-99, 99), st.integers(1, 99)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)
BEFORE = st.sampled_from(["", "$", "-", "−", "+", "€", "- ", "**", "USD ", "\\$", "x = ", "about "])
AFTER = st.sampled_from(
    ["", ".", "%", " %", " apples", " m2", "€", " million", "k", "**", " in 2 days", ":30"]
)
FULL_WIDTH = {ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)}
ARABIC = {ord("0") + digit: chr(0x0660 + digit) for digit in range(10)}
WAYS = [
    lambda number: f"{number:,}",
    lambda number: f"${number:,}",
    lambda number: f"{number:,}".replace(",", "\u00a0"),
    lambda number: f"{number:,}".replace(",", "\u2009").replace(".", ","),
    lambda number: f"{number:,}".replace(",", "'"),
    lambda number: f"{number:,}".replace(",", "{,}"),
    lambda number: f"{number:f}".translate(FULL_WIDTH),
    lambda number: f"{number:f}".translate(ARABIC),
    lambda number: f"{number:f} apples",
    lambda number: f"{number:f}%",
    lambda number: f"{number * 1000:f}e-3",
    lambda number: f"{number * 4:f}/4",
    lambda number: f"\\frac{{{number * 8:f}}}{{8}}",
]


@given(
    st.integers(0, 10**9).map(Decimal) | st.decimals(10**4, 10**9, places=2),
    st.sampled_from(["", "-", "−", "+", "minus "]),
    st.sampled_from(WAYS),
)
def test_a_number_is_the_same_however_it_is_written(
    number: Decimal, sign: str, way: Callable[[Decimal], str]
) -> None:
    expected = Fraction(number) * (-1 if sign.startswith(("-", "−", "m")) else 1)
    text = f"{sign}{way(number)}"
    assert read_reference(f"#### {text}") == read_prediction(f"#### {text}").marked == expected
    assert read_prediction(f"3 + 4 is {text}").number == expected


STEPS = st.sampled_from(
    ["", "3 + 4 = 7\n", "\\boxed{3}\n", "The answer is 3.\n", "Question: 3?\n", "#### Step 1\n"]
)


@given(STEPS, BEFORE, WRITTEN, AFTER, st.sampled_from(["", "\nso it is 99", " ", "\nQuestion: 9?"]))
def test_whoever_repeats_a_reference_is_right(
    steps: str, before: str, number: str, after: str, end: str
) -> None:
    answer = f"{steps}#### {before}{number}{after}{end}"
    try:
        value = read_reference(answer)
    except NotOneNumber:
        return
    assert read_prediction(answer) == (value, value)
    assert repeated(answer)["correct"]
    assert Fraction(format_number(value)) == value


@given(st.text(max_size=80), st.integers(0, 200))
def test_any_text_is_read_or_refused(text: str, number: int) -> None:
    read_prediction(text)
    read_prediction(f"{text}#### {text}")
    try:
        value = read_reference(text)
    except NotOneNumber:
        return
    assert read_prediction(f"#### {format_number(value)}").number == value


def repetition_is_right(path: Path) -> int:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        value = read_reference(row["answer"])
        assert read_prediction(row["answer"]) == (value, value), row["answer"]
        # GSM8K and the embedded set write numbers in one way, which the oldest rule of all can read.
        digits = row["answer"].rpartition("#### ")[2].replace(",", "")
        assert value == Fraction(digits)
    return len(rows)


@pytest.mark.skipif(not GSM8K.is_dir(), reason="GSM8K is not beside the checkout")
def test_repetition_is_right_over_all_of_gsm8k() -> None:
    rows = {path.relative_to(GSM8K).as_posix(): repetition_is_right(path) for path in GSM8K.glob("*/*.jsonl")}
    assert (rows["main/train.jsonl"], rows["main/test.jsonl"]) == (7473, 1319)


def test_repetition_is_right_over_the_embedded_set() -> None:
    rows = [
        repetition_is_right(path)
        for kind in ("main", "socratic")
        for path in (EMBEDDED / kind).glob("*.jsonl")
    ]
    assert sum(rows) == 5200


def test_each_refused_reference_is_a_bad_row_that_is_named_and_counted(tmp_path: Path) -> None:
    rows = [{"question": f"q{i}", "answer": f"#### {text}"} for i, (text, _) in enumerate(CASES["refused"])]
    good = [{"question": question, "answer": "1"} for question in ("a", "b", "c")]
    path = write_jsonl(tmp_path / "mine.jsonl", [*good, *rows])
    assert load_split(path, "main", "train", skip_bad_rows=True).skipped == len(rows)
    for row in rows:
        path = write_jsonl(tmp_path / "mine.jsonl", [*good, row])
        with pytest.raises(UserError, match="row 4: the answer must be one number") as caught:
            load_split(path, "main", "train")
        message = str(caught.value)
        assert str(path) in message
        assert f"received {row['answer']!r}" in message
        assert "valid: '#### 18'" in message
        assert "\n" not in message
