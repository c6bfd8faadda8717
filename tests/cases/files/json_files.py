"""JSON Lines, arrays, objects of columns, and what is broken in them."""

import json

from tests.cases.files.case import Case
from tests.cases.files.formats import jsonl
from tests.cases.files.rows import MORE, ROWS, Row, renamed

KIND = "JSON"
LINES = jsonl(ROWS)
COLUMNS = {name: [row[name] for row in ROWS] for name in ("question", "answer")}
INDEXED = {name: dict(enumerate(values)) for name, values in COLUMNS.items()}
TURNED = {**INDEXED, "answer": dict(reversed(INDEXED["answer"].items()))}
OTHER = {**INDEXED, "answer": dict(enumerate(COLUMNS["answer"], start=1))}
MIXED = {**INDEXED, "answer": COLUMNS["answer"]}
CAPITALS = [*ROWS[:2], *renamed(ROWS[2:], "Question", "Answer ")]


def _with(sign: str, *, escaped: bool = False) -> Row | str:
    row = {"question": f"Has it a {sign}?", "answer": 1}
    return json.dumps(row) if escaped else row


CASES: list[Case] = [
    Case(KIND, "JSON Lines", {"mine.jsonl": LINES}),
    Case(KIND, "JSON Lines under .ndjson", {"mine.ndjson": LINES}),
    Case(KIND, "JSON Lines under .json", {"mine.json": LINES}),
    Case(KIND, "JSON Lines with a byte order mark", {"mine.jsonl": b"\xef\xbb\xbf" + LINES}),
    Case(KIND, "JSON Lines in UTF-16", {"mine.jsonl": LINES.decode().encode("utf-16")}),
    Case(KIND, "an array", {"mine.json": json.dumps(ROWS).encode()}),
    Case(KIND, "an array over many lines", {"mine.json": json.dumps(ROWS, indent=2).encode()}),
    Case(KIND, "an array under .jsonl", {"mine.jsonl": json.dumps(ROWS).encode()}),
    Case(
        KIND,
        "an array within an object",
        {"mine.json": json.dumps({"version": 1, "data": ROWS}).encode()},
    ),
    Case(KIND, "an object of columns", {"mine.json": json.dumps(COLUMNS).encode()}),
    Case(KIND, "pandas' `to_json()`", {"mine.json": json.dumps(INDEXED).encode()}),
    Case(
        KIND,
        "`to_json()`, a column in another order",
        {"mine.json": json.dumps(TURNED).encode()},
    ),
    Case(
        KIND,
        "`to_json()`, a column with other keys",
        {"mine.json": json.dumps(OTHER).encode()},
        line="is an object of columns whose rows have other keys in the column 'answer' than in",
    ),
    Case(
        KIND,
        "a column with keys and one without",
        {"mine.json": json.dumps(MIXED).encode()},
        line="is one JSON object with the keys question, answer; valid: an array of objects",
    ),
    Case(
        KIND,
        "an array named as the test split",
        {"mine.json": json.dumps({"test": ROWS, "train": {"file": "x"}}).encode()},
        line="has one array of objects, 'test', which its name says is no training data",
    ),
    Case(
        KIND,
        "two splits in one object",
        {"mine.json": json.dumps({"train": ROWS, "test": MORE}).encode()},
        line="has several arrays of objects, train, test; valid: a file a split",
    ),
    Case(
        KIND,
        "a key twice in a row",
        {"mine.jsonl": LINES + b'{"question": "Q?", "answer": 1, "answer": 2}\n'},
        skipped=1,
    ),
    Case(
        KIND,
        "a key twice in a row of an array",
        {"mine.json": json.dumps(ROWS).encode()[:-1] + b', {"answer": 1, "question": "Q?", "answer": 2}]'},
        skipped=1,
    ),
    Case(
        KIND,
        "a key twice with a line end in it",
        {"mine.jsonl": b'{"a\\nb": 1, "a\\nb": 2, "question": "Q?", "answer": 1}\n' + LINES},
        line="row 1: the key 'a b' is there twice",
    ),
    Case(
        KIND,
        "a key twice in the first row",
        {"mine.json": b'{"question": "Q?", "answer": 1, "answer": 2}\n' + LINES},
        line="row 1: the key 'answer' is there twice",
    ),
    Case(
        KIND,
        "a key twice in an object of columns",
        {"mine.json": b'{"question": ["Q?"], "answer": [1], "answer": [2]}'},
        line="is one JSON object in which the key 'answer' is there twice",
    ),
    Case(
        KIND,
        "an object as a question, a key twice in it",
        {"mine.jsonl": LINES + b'{"question": {"en": "a", "en": "b"}, "answer": 1}\n'},
        skipped=1,
    ),
    Case(
        KIND,
        "other capitals in other rows",
        {"mine.jsonl": jsonl(CAPITALS)},
    ),
    Case(
        KIND,
        "a row whose column is there in two capitals",
        {"mine.jsonl": LINES + b'{"Question": "Q?", "QUESTION": "R?", "answer": 1}\n'},
        skipped=1,
    ),
    Case(
        KIND,
        "objects over many lines under .jsonl",
        {"mine.jsonl": "\n".join(json.dumps(row, indent=1) for row in ROWS).encode()},
        line="row 1: no whole JSON object on one line; valid: one object a line, or a file named .json",
    ),
    Case(
        KIND,
        "objects that old line ends part (CR)",
        {"mine.jsonl": LINES.replace(b"\n", b"\r")},
        line="row 1: more on one line than one JSON value; valid: one object a line",
    ),
    Case(
        KIND,
        "objects over many lines, one after the other",
        {"mine.json": "\n".join(json.dumps(row, indent=1) for row in ROWS).encode()},
        line="is no JSON: Extra data (line 5, column 1); several values must be an array",
    ),
    Case(
        KIND,
        "JSON Lines in UTF-16 without its mark",
        {"mine.jsonl": LINES.decode().encode("utf-16-be")},
        line="looks like UTF-16 without its mark; valid: UTF-8",
    ),
    Case(
        KIND,
        "an object that is no rows",
        {"mine.json": b'{"a": [1, 2],\n "b": [3]}'},
        line="is one JSON object with the keys a, b; valid: an array of objects",
    ),
    Case(
        KIND,
        "JSON with a fault",
        {"mine.json": b'[{"question": "q", "answer": 1},\n {"question" 3}]'},
        line="is no JSON: Expecting ':' delimiter (line 2, column 14)",
    ),
    Case(KIND, "a line that is no JSON", {"mine.jsonl": LINES + b"{broken\n"}, skipped=1),
    Case(KIND, "a line that is no object", {"mine.jsonl": LINES + b"[1]\n"}, skipped=1),
    Case(KIND, "lines of arrays alone", {"mine.jsonl": b"[1]\n[2]\n"}, line="row 1: not a JSON object"),
    Case(
        KIND,
        "half a pair (`\\ud800`)",
        {"mine.jsonl": LINES + jsonl([_with("\ud800", escaped=True)])},
        skipped=1,
    ),
    Case(KIND, "a NUL", {"mine.jsonl": LINES + jsonl([_with("\0")])}, skipped=1),
    Case(
        KIND,
        "control codes, as a terminal's",
        {"mine.jsonl": jsonl([_with("\x1b[31m"), *ROWS])},
        line=r"row 1: column 'question' has '\x1b', a control code or half a pair, which no text has",
    ),
    Case(
        KIND,
        "signs that turn the direction of writing",
        {"mine.jsonl": jsonl([{**row, "question": f"\u202e{row['question']}"} for row in ROWS])},
        answers={f"\u202e{row['question']}": str(row["answer"]) for row in ROWS},
    ),
    Case(
        KIND,
        "a question that is null",
        {"mine.jsonl": LINES + jsonl([{"question": None, "answer": 1}])},
        skipped=1,
    ),
    Case(
        KIND,
        "numbers as questions",
        {"mine.jsonl": jsonl([{"question": 100 + i, "answer": i} for i in range(5)])},
        answers={str(100 + i): str(i) for i in range(5)},
    ),
    Case(
        KIND,
        "sixty broken lines at the head",
        {"mine.jsonl": b"broken\n" * 60 + LINES},
        skipped=60,
    ),
    Case(KIND, "NaN as an answer", {"mine.jsonl": LINES + b'{"question": "q", "answer": NaN}\n'}, skipped=1),
    Case(KIND, "a row nested without end", {"mine.jsonl": LINES + b"[" * 9999 + b"\n"}, skipped=1),
    Case(
        KIND,
        "answers that are text",
        {"mine.jsonl": jsonl([{**row, "answer": "a fair few"} for row in [*ROWS, *MORE]])},
        line="the answers in column 'answer' look like text, not numbers: none of the first 5 rows has "
        "one ('a fair few'; 'a fair few'); valid: '#### 18'",
    ),
    Case(
        KIND,
        "one answer that is text",
        {"mine.jsonl": jsonl([*ROWS, {"question": "Q?", "answer": "two"}])},
        line="row 6: the answer must be one number, after '####' or alone",
    ),
]
