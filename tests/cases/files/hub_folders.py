"""Folders whose README.md names their files, as the Hub's do."""

from tests.cases.files.case import Case
from tests.cases.files.formats import card, jsonl, table
from tests.cases.files.rows import MORE, ROWS, THIRD

KIND = "Folders"
TRAIN, TEST, VALIDATION = jsonl(ROWS), jsonl(MORE), jsonl(THIRD)
TWO = (5, None, 3)
HALVES = (ROWS[:2], ROWS[2:])

CASES: list[Case] = [
    Case(
        KIND,
        "the Hub's configurations: the default one by its folder",
        {
            "README.md": card(
                "- config_name: default\n  default: true\n  data_dir: data\n"
                "- config_name: hard\n  data_files: hard/train.jsonl\n"
            ),
            **{"data/train.jsonl": TRAIN, "data/test.jsonl": TEST, "hard/train.jsonl": VALIDATION},
        },
        TWO,
    ),
    Case(
        KIND,
        "the Hub's configurations: a folder, and no files named",
        {
            "README.md": card("- config_name: sums\n  data_dir: x\n  data_files:\n"),
            **{"x/train.jsonl": TRAIN, "x/test.jsonl": TEST, "train.jsonl": VALIDATION},
        },
        TWO,
    ),
    Case(
        KIND,
        "the Hub's configurations: a folder that is not there",
        {
            "README.md": card("- config_name: default\n  data_dir: data\n"),
            "train.jsonl": TRAIN,
        },
        line="README.md names 'data' for its configuration 'default', which is no folder in it",
    ),
    Case(
        KIND,
        "the Hub's configurations: a folder out of this one",
        {
            "set/README.md": card("- config_name: default\n  data_dir: ../secret\n"),
            "secret/train.jsonl": TRAIN,
        },
        data="set",
        line="README.md names '../secret' for its configuration 'default', which is no folder in it",
    ),
    Case(
        KIND,
        "the Hub's configurations: a name with a line end in it",
        {"README.md": card('- data_files: "a\\nb"\n'), "train.jsonl": TRAIN},
        line=r"README.md names 'a\nb', which is no data file there",
    ),
    Case(
        KIND,
        "the Hub's configurations: a file that is not there",
        {
            "README.md": card("- config_name: default\n  data_files: [a.jsonl, b.jsonl]\n"),
            "a.jsonl": TRAIN,
        },
        line="README.md names 'b.jsonl', which is no data file there",
    ),
    Case(
        KIND,
        "the Hub's configurations: a test split without files",
        {
            "README.md": card(
                "- config_name: default\n  data_files:\n"
                "  - split: train\n    path: a.jsonl\n  - split: test\n    path: test-*\n"
            ),
            "a.jsonl": TRAIN,
        },
        line="README.md has no file for the test split of its configuration 'default'",
    ),
    Case(
        KIND,
        "the Hub's configurations: a pattern that can't be followed",
        {
            "README.md": card("- config_name: default\n  data_files: train**.jsonl\n"),
            "train-1.jsonl": TRAIN,
        },
        line="README.md names its files by 'train**.jsonl', a pattern that can't be followed",
    ),
    Case(
        KIND,
        "a README.md with a date that is none",
        {
            "README.md": b"---\ndate: 2024-02-30\n" + card("- data_files: a---b.jsonl\n")[4:],
            **{"a---b.jsonl": TRAIN, "test.jsonl": TEST},
        },
    ),
    Case(
        KIND,
        "the Hub's configurations: the default one",
        {
            "README.md": card(
                "- config_name: hard\n  data_files: hard/*.jsonl\n"
                "- config_name: easy\n  default: true\n  data_files:\n"
                "  - split: train\n    path: easy/a*.jsonl\n"
                "  - split: test\n    path: [easy/b.jsonl]\n"
            ),
            "easy/a-0.jsonl": jsonl(HALVES[0]),
            "easy/a-1.jsonl": jsonl(HALVES[1]),
            "easy/b.jsonl": TEST,
            "hard/c.jsonl": VALIDATION,
        },
        TWO,
    ),
    Case(
        KIND,
        "the Hub's configurations: one alone, of CSV",
        {
            "README.md": card(
                "- config_name: sums\n  data_dir: sums\n  data_files:\n"
                "    train: t.csv\n    validation: v.csv\n"
            ),
            "sums/t.csv": table(ROWS),
            "sums/v.csv": table(THIRD),
        },
        (4, 2, 1),
        note="validation sums/v.csv, test 20% of its questions",
    ),
    Case(
        KIND,
        "the Hub's configurations: splits called train_sft and test_sft",
        {
            "README.md": card(
                "- config_name: default\n  data_files:\n"
                "  - split: train_sft\n    path: data/a.jsonl\n"
                "  - split: test_sft\n    path: data/b.jsonl\n"
            ),
            **{"data/a.jsonl": TRAIN, "data/b.jsonl": TEST},
        },
        TWO,
    ),
    Case(
        KIND,
        "the Hub's configurations: two training splits",
        {
            "README.md": card(
                "- config_name: default\n  data_files:\n"
                "  - split: train_sft\n    path: a.jsonl\n"
                "  - split: train_gen\n    path: b.jsonl\n"
            ),
            **{"a.jsonl": TRAIN, "b.jsonl": TEST},
        },
        line="README.md names several train splits (train_sft, train_gen); valid: a folder",
    ),
    Case(
        KIND,
        "the Hub's configurations: several, none the default",
        {
            "README.md": card(
                "- config_name: easy\n  data_files: easy.jsonl\n"
                "- config_name: hard\n  data_files: hard.jsonl\n"
            ),
            "easy.jsonl": TRAIN,
            "hard.jsonl": TEST,
        },
        line="has several configurations and no default (easy, hard); valid: a folder of one",
    ),
    Case(
        KIND,
        "a configuration that leads out of the folder",
        {
            "set/README.md": card("- config_name: default\n  data_files: ../secret.jsonl\n"),
            "secret.jsonl": TRAIN,
        },
        data="set",
        line="README.md has no file for the train split of its configuration 'default'",
    ),
    Case(
        KIND,
        "a README.md that is no YAML",
        {"README.md": b"---\nconfigs: [\n---\n", "train.jsonl": TRAIN},
    ),
]
