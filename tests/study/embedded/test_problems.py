"""The generated data set: right annotations, GSM8K's layout, disjoint splits, the same bytes each time."""

import json
import random
import re
from pathlib import Path

import pytest

from study.embedded import DATA_DIR
from study.embedded.families import PLACEHOLDER, load_families
from study.embedded.problems import TEST_ROWS, TRAIN_ROWS, bucket_of, draw_problem, draw_split, write_data

ANNOTATION = re.compile(r"(\S+?)=<<([^<>=]+)=(\d+)>>(\d+)")
SPLIT_ROWS = {"train": TRAIN_ROWS, "test": TEST_ROWS}


def read(variant: str, split: str) -> list[dict[str, str]]:
    lines = (DATA_DIR / variant / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("variant", ["main", "socratic"])
def test_every_annotation_is_right_and_the_last_is_the_answer(variant: str, split: str) -> None:
    for row in read(variant, split):
        assert set(row) == {"question", "answer"}
        *lines, last = row["answer"].split("\n")
        values = []
        for line in lines:
            ((written, inside, result, shown),) = ANNOTATION.findall(line)
            assert written.lstrip("$") == inside
            assert eval(inside) == int(result) == int(shown), line
            values.append(result)
        assert 1 <= len(values) <= 4
        assert last == f"#### {values[-1]}"


@pytest.mark.parametrize("split", ["train", "test"])
def test_main_and_socratic_hold_the_same_problems(split: str) -> None:
    main, socratic = read("main", split), read("socratic", split)
    assert len(main) == len(socratic) == SPLIT_ROWS[split]
    for plain, asked in zip(main, socratic, strict=True):
        assert plain["question"] == asked["question"]
        *lines, last = asked["answer"].split("\n")
        assert all(line.count("? ** ") == 1 for line in lines)
        assert "\n".join([*(line.split(" ** ")[1] for line in lines), last]) == plain["answer"]


def test_no_test_number_tuple_or_question_is_in_another_split() -> None:
    train, test = (draw_split(split, rows, seed=0) for split, rows in SPLIT_ROWS.items())
    assert [p.question for p in test] == [row["question"] for row in read("main", "test")]
    test_keys = {(p.family, p.numbers) for p in test}
    assert {p.bucket for p in test} == {"test"}
    assert test_keys.isdisjoint((p.family, p.numbers) for p in train)
    assert {p.question for p in test}.isdisjoint(p.question for p in train)


def test_pretraining_draws_neither_test_tuples_nor_withheld_families() -> None:
    rng = random.Random(1)
    families, _ = load_families()
    withheld = {family.name for family in families if not family.in_pretraining}
    drawn = [draw_problem(rng, "pretrain") for _ in range(3000)]
    finetuning = [p for split, rows in SPLIT_ROWS.items() for p in draw_split(split, rows, seed=0)]
    assert withheld
    assert withheld.isdisjoint(p.family for p in drawn)
    assert {(p.family, p.numbers) for p in drawn}.isdisjoint((p.family, p.numbers) for p in finetuning)
    with pytest.raises(ValueError, match="withheld"):
        draw_problem(rng, "pretrain", next(f for f in families if f.name in withheld))


def test_the_bucket_does_not_depend_on_the_order_of_the_numbers() -> None:
    assert bucket_of("ages", (3, 14, 2)) == bucket_of("ages", (14, 2, 3))


def test_families_have_enough_wordings_and_every_one_is_in_the_test_split() -> None:
    families, _ = load_families()
    assert len(families) >= 24
    assert all(len(set(family.wordings)) >= 4 and 1 <= len(family.steps) <= 4 for family in families)
    counts = {family.name: 0 for family in families}
    for problem in draw_split("test", TEST_ROWS, seed=0):
        counts[problem.family] += 1
    assert min(counts.values()) >= 10


def test_about_a_third_of_the_questions_carry_a_number_that_is_not_needed() -> None:
    _, lexicon = load_families()
    # One distractor reads like the problems' own sentences: counted are the others.
    own = [text for text in lexicon.distractors if not text.startswith("{third} has")]
    pattern = re.compile("|".join(r"\w+".join(map(re.escape, PLACEHOLDER.split(text)[::2])) for text in own))
    share = sum(bool(pattern.search(row["question"])) for row in read("main", "test")) / TEST_ROWS
    assert 0.2 < share < 0.4


def test_code_tasks_have_the_schema_of_codefeedback_and_compile() -> None:
    rows = read("code", "train")
    assert len(rows) == len({row["query"] for row in rows}) == 800
    for row in rows:
        assert set(row) == {"query", "answer", "resource", "lang"}
        compile(row["answer"].removeprefix("```python\n").removesuffix("\n```"), "task", "exec")


def test_the_data_set_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    write_data(tmp_path, seed=0)
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.jsonl"))
    assert len(files) == 5
    for file in files:
        assert (tmp_path / file).read_bytes() == (DATA_DIR / file).read_bytes(), file
