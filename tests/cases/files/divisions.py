"""Questions that stand in two splits, and data of a few rows."""

from tests.cases.files.case import Case
from tests.cases.files.formats import jsonl
from tests.cases.files.rows import MORE, ROWS, THIRD

KIND = "Questions in two splits, and small data"
AGAIN = [
    {"question": f" {str(row['question']).upper().rstrip('?')} ", "answer": row["answer"]} for row in ROWS
]
LEAKY = {"train.jsonl": jsonl([*ROWS, *MORE]), "test.jsonl": jsonl(AGAIN[:2])}
PLAIN = [
    {"question": text, "answer": i}
    for i, text in enumerate(["It doesn't cost 1,000?", "Has he 2,000,000 and 30?", "What's 5 feet?"])
]
TYPED = [
    {"question": text, "answer": i}
    for i, text in enumerate(
        [
            "It doesn\u02bct cost 1 000?",
            "Has\u200b he 2\u202f000\u202f000 and 3\xad0?",
            "What\xb4s 5 feet?",
        ]
    )
]
COUNTED = "leaks: 2 of the 2 test questions of the main data are in train too; 2 rows there are left out"
SIGNS = [{"question": f"What is 3 {sign} 2?", "answer": i} for i, sign in enumerate("+-*/")]

CASES: list[Case] = [
    Case(
        KIND,
        "test questions in train, in other capitals",
        LEAKY,
        (6, None, 2),
        note=COUNTED,
        answers={str(row["question"]): str(row["answer"]) for row in AGAIN[:2]},
    ),
    Case(
        KIND,
        "test questions in train, in other apostrophes, thousands and signs that are not seen",
        {"train.jsonl": jsonl([*ROWS, *TYPED]), "test.jsonl": jsonl(PLAIN)},
        (5, None, 3),
        note="leaks: 3 of the 3 test questions of the main data are in train too; 3 rows there are left",
        answers={str(row["question"]): str(row["answer"]) for row in PLAIN},
    ),
    Case(
        KIND,
        "one test question in train",
        {"train.jsonl": jsonl([*ROWS, MORE[0]]), "test.jsonl": jsonl(MORE)},
        (5, None, 3),
        note="leaks: 1 of the 3 test questions of the main data are in train too; 1 row there is left",
    ),
    Case(
        KIND,
        "the same with `--keep-leaks`",
        LEAKY,
        (8, None, 2),
        keep_leaks=True,
        answers={str(row["question"]): str(row["answer"]) for row in AGAIN[:2]},
    ),
    Case(
        KIND,
        "validation questions in train and in test",
        {
            "train.jsonl": jsonl([*ROWS, *THIRD]),
            "validation.jsonl": jsonl([*THIRD, *MORE]),
            "test.jsonl": jsonl(MORE),
        },
        (5, 2, 3),
        note="leaks: 3 of the 3 test questions of the main data are in validation too; 3 rows",
    ),
    Case(
        KIND,
        "only test questions in train",
        {"train.jsonl": jsonl(ROWS), "test.jsonl": jsonl(ROWS)},
        line="needs at least 2 (1 to train on, 1 to validate), found 0 distinct questions to train on",
    ),
    Case(
        KIND,
        "a file with each row twice",
        {"mine.jsonl": jsonl([*ROWS, *AGAIN])},
        (6, None, 4),
        answers={str(row["question"]): str(row["answer"]) for row in AGAIN},
    ),
    Case(
        KIND,
        "questions that differ in a sign",
        {"mine.jsonl": jsonl(SIGNS)},
        (3, None, 1),
        answers={str(row["question"]): str(row["answer"]) for row in SIGNS},
    ),
    Case(KIND, "three rows: the smallest file", {"mine.jsonl": jsonl(MORE)}, (2, None, 1)),
    Case(
        KIND,
        "two rows",
        {"mine.jsonl": jsonl(MORE[:2])},
        line="needs at least 3 (1 to train on, 1 to validate, 1 to test), found 2 distinct questions",
    ),
    Case(KIND, "one row", {"mine.jsonl": jsonl(MORE[:1])}, line="found 1 distinct question"),
    Case(
        KIND,
        "three rows of one question",
        {"mine.jsonl": jsonl([MORE[0]] * 3)},
        line="found 1 distinct question",
    ),
    Case(
        KIND,
        "two rows to train on, and a test split",
        {"train.jsonl": jsonl(THIRD), "test.jsonl": jsonl(MORE)},
        (2, None, 3),
    ),
    Case(
        KIND,
        "one row in each of three splits",
        {
            "train.jsonl": jsonl(ROWS[:1]),
            "validation.jsonl": jsonl(MORE[:1]),
            "test.jsonl": jsonl(THIRD[:1]),
        },
        (1, 1, 1),
    ),
]
