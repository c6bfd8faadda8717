"""Texts made to break the reader of numbers: none raises, and none takes more than linear time."""

import json
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from study.answers.reading import NotOneNumber, read_prediction, read_reference
from study.errors import UserError
from study.scores.numbers import score_answer
from tests.study.splits import load_split

# A text of this length is read in hundredths of a second; a pattern that goes back would take minutes.
LENGTH = 40_000
MOST_SECONDS = 3.0

CASES = Path(__file__).resolve().parents[2] / "cases" / "hostile_numbers.toml"
# A lone surrogate can't stand in a file.
PIECES = [*tomllib.loads(CASES.read_text(encoding="utf-8"))["pieces"], "\ud800"]


def seconds(read: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    with suppress(NotOneNumber):
        read(text)
    return time.process_time() - started


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_piece_that_repeats_takes_linear_time(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    for shape in (f"{text}!", f"7 {text} 7", f"#### {text}"):
        assert seconds(read_prediction, shape) < MOST_SECONDS
        assert seconds(read_reference, shape) < MOST_SECONDS


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_hostile_prediction_is_scored(piece: str) -> None:
    text = piece * 200
    scores = score_answer(f"{text}7", f"{text}\n#### 7", "7")
    assert isinstance(scores["correct"], bool)
    json.dumps(scores)


@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000,
        "1," + "000," * 2000 + "000",
        f"0.{'1' * 5000}",
        "1e99999999",
        "1e-99999999",
        "1" + " million" * 500,
    ],
    ids=["digits", "groups", "places", "exponent", "small", "scales"],
)
def test_a_number_out_of_bounds_is_none_and_keeps_its_place(text: str) -> None:
    with pytest.raises(NotOneNumber):
        read_reference(f"#### {text}")
    if "million" not in text:
        assert read_prediction(f"7 or {text}").number is None


def test_a_number_within_bounds_is_exact() -> None:
    digits = "9" * 999
    assert score_answer(f"#### {digits}", f"#### {digits}", digits)["correct"]
    assert not score_answer(f"#### {digits}", "#### 1", digits[:-1] + "8")["correct"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"question": "q", "answer": "#### 7 \\ud800"}', "a control code or half a pair, which no text has"),
        ('{"question": "q \\udfff", "answer": "#### 7"}', "a control code or half a pair, which no text has"),
        ('{"question": "q \\u0000", "answer": "#### 7"}', "a control code or half a pair, which no text has"),
        ('{"question": "q", "answer": %s}' % ("9" * 5000), "longer than 3,000 characters"),
        ('{"question": "q", "answer": 1e999999999999}', "exponent"),
        ('{"question": "q", "answer": NaN}', "no number"),
        ('{"question": "q", "answer": -Infinity}', "no number"),
        ('{"question": "q", "answer": true}', "must be text"),
        ('{"question": "q", "answer": %s}' % ("[" * 100_000), "not a JSON object"),
    ],
    ids=["answer", "question", "NUL", "digits", "exponent", "NaN", "infinity", "true", "nested"],
)
def test_a_hostile_row_is_a_bad_row(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=reason) as caught:
        load_split(path, "main", "train")
    assert "row 1" in str(caught.value)
    assert str(caught.value).isprintable()
