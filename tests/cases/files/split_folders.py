"""Folders of files, one a split or a variant."""

from tests.cases.files.case import Case
from tests.cases.files.formats import jsonl, table
from tests.cases.files.rows import MORE, ROWS, THIRD

KIND = "Folders"


def _grade_school_math(train: bytes, test: bytes, socratic: bytes) -> dict[str, bytes]:
    folder = "grade_school_math/data"
    return {
        **{f"{folder}/train.jsonl": train, f"{folder}/test.jsonl": test},
        **{f"{folder}/train_socratic.jsonl": socratic, f"{folder}/test_socratic.jsonl": test},
        f"{folder}/example_model_solutions.jsonl": b'{"question": "q", "ground_truth": "1"}\n',
        "README.md": b"# Grade School Math\n",
    }


TRAIN, TEST, VALIDATION = jsonl(ROWS), jsonl(MORE), jsonl(THIRD)
TWO = (5, None, 3)
THREE = (5, 2, 3)

CASES: list[Case] = [
    Case(KIND, "train alone", {"train.jsonl": TRAIN}, note="test 20% of its questions, held out"),
    Case(KIND, "train and test", {"train.jsonl": TRAIN, "test.jsonl": TEST}, TWO),
    Case(KIND, "CSV files", {"train.csv": table(ROWS), "test.csv": table(MORE)}, TWO),
    Case(
        KIND,
        "train, validation and test",
        {"train.jsonl": TRAIN, "validation.jsonl": VALIDATION, "test.jsonl": TEST},
        THREE,
        note="validation validation.jsonl, test test.jsonl",
    ),
    Case(
        KIND,
        "`dev` and `eval` are validation and test",
        {"train.jsonl": TRAIN, "dev.jsonl": VALIDATION, "eval.jsonl": TEST},
        THREE,
        note="validation dev.jsonl, test eval.jsonl",
    ),
    Case(
        KIND,
        "train and validation",
        {"train.jsonl": TRAIN, "valid.jsonl": VALIDATION},
        (4, 2, 1),
        note="validation valid.jsonl, test 20% of its questions",
    ),
    Case(
        KIND,
        "test alone",
        {"test.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found test",
    ),
    Case(
        KIND,
        "two train files",
        {"train.jsonl": TRAIN, "train_v2.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found train.jsonl, train_v2.jsonl",
    ),
    Case(
        KIND,
        "two versions of a file",
        {"train_v1.jsonl": TRAIN, "train_v2.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found train_v1.jsonl, train_v2.jsonl",
    ),
    Case(
        KIND,
        "two versions of a file in a split's folder",
        {"train/sums-v1.1.jsonl": TRAIN, "train/sums-v1.2.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found sums-v1.1.jsonl, sums-v1.2.jsonl",
    ),
    Case(
        KIND,
        "two sizes of a file",
        {"train_1k.jsonl": TRAIN, "train_10k.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found train_10k.jsonl, train_1k.jsonl",
    ),
    Case(
        KIND,
        "one train file in two formats",
        {"train.jsonl": TRAIN, "train.csv": table(ROWS)},
        line="needs one train file, or the numbered parts of one, found train.csv, train.jsonl",
    ),
    Case(
        KIND,
        "a file named after two splits",
        {"train_test.jsonl": TRAIN},
        line="is named after two splits, test and train",
    ),
    Case(KIND, "one file of any name", {"problems/algebra.jsonl": TRAIN}, data="problems"),
    Case(
        KIND,
        "two files of any names",
        {"a.jsonl": TRAIN, "b.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found a.jsonl, b.jsonl",
    ),
    Case(
        KIND,
        "folders of subjects",
        {"algebra/train.jsonl": TRAIN, "geometry/train.jsonl": TEST},
        line="needs one train file, or the numbered parts of one, found train.jsonl, train.jsonl",
    ),
    Case(KIND, "no data", {"notes.txt": b"x"}, line="unknown variant in data folder"),
    Case(
        KIND,
        "GSM8K's variants",
        {
            "main/train.jsonl": TRAIN,
            "main/test.jsonl": TEST,
            "socratic/train.jsonl": VALIDATION,
            "socratic/test.jsonl": TEST,
        },
        TWO,
    ),
    Case(
        KIND,
        "GSM8K's variants: Socratic",
        {
            "main/train.jsonl": TRAIN,
            "main/test.jsonl": TEST,
            "socratic/train.jsonl": VALIDATION,
            "socratic/test.jsonl": TEST,
        },
        (2, None, 3),
        variant="socratic",
    ),
    Case(
        KIND,
        "`openai/grade-school-math`",
        _grade_school_math(TRAIN, TEST, VALIDATION),
        TWO,
        note="left alone in the data folder: example_model_solutions.jsonl",
    ),
    Case(
        KIND,
        "`openai/grade-school-math`: Socratic",
        _grade_school_math(TRAIN, TEST, VALIDATION),
        (2, None, 3),
        variant="socratic",
    ),
    Case(
        KIND,
        "a variant that is not there",
        {"train.jsonl": TRAIN},
        variant="socratic",
        line="has no variant 'socratic': --set variant=main runs the main arms alone",
    ),
]
