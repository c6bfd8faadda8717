import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.data.loading import Columns, Problem, fingerprint, hold_out, load_code
from study.errors import UserError
from tests.conftest import write_jsonl
from tests.study.splits import load_split

GOOD = {"question": "How many?", "answer": "It is 2.\n#### 2"}


def folder_with(tmp_path: Path, rows: list) -> Path:
    write_jsonl(tmp_path / "main" / "train.jsonl", rows)
    return tmp_path


def test_parquet_in_the_hubs_layout_gives_the_same_rows(small_data: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        rows = [
            json.loads(t)
            for t in (small_data / "main" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        (tmp_path / "main").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "main" / f"{split}-00000-of-00001.parquet")
    for split in ("train", "test"):
        assert load_split(tmp_path, "main", split) == load_split(small_data, "main", split)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"question": "How many?"}, "no column 'answer'; columns there: question; --question-column and"),
        (
            {"question": "How many?", "answer": "two"},
            "must be one number, after .* but there is no number; received 'two'; valid",
        ),
        ({"question": "", "answer": "#### 2"}, "'question' must be text"),
        ({"question": None, "answer": "#### 2"}, "'question' must be text"),
        ({"question": True, "answer": "#### 2"}, "'question' must be text"),
        ({"question": ["How many?"], "answer": "#### 2"}, "'question' must be text"),
        ("{broken", "not a JSON object"),
        ("[1]", "not a JSON object"),
    ],
)
def test_a_bad_row_is_named_by_file_and_row(tmp_path: Path, bad: object, reason: str) -> None:
    folder = folder_with(tmp_path, [GOOD, GOOD, bad])
    with pytest.raises(UserError, match=reason) as caught:
        load_split(folder, "main", "train")
    assert f"{folder / 'main' / 'train.jsonl'}, row 3" in str(caught.value)
    assert "--skip-bad-rows" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "number"),
    [("18", "18"), ("1e-05", "0.00001"), ("1E16", "10000000000000000"), ("18.00", "18"), ("-0.1", "-0.1")]
    + [("0.1234567890123456789", "0.1234567890123456789"), ("12345678901234567890", "12345678901234567890")],
)
def test_a_number_in_json_is_the_number_that_is_written(tmp_path: Path, written: str, number: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(
        "".join(f'{{"question": "q{i}", "answer": {written}}}\n' for i in range(3)), encoding="utf-8"
    )
    split = load_split(path, "main", "train")
    assert {problem.answer for problem in split.problems} == {f"#### {number}"}


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        *(
            (kind, 18, "18")
            for kind in (pa.int8(), pa.uint64(), pa.float64(), pa.string(), pa.large_string())
        ),
        *((kind, 0.1, "0.1") for kind in (pa.float32(), pa.float64())),
        *((kind, -2.5, "-2.5") for kind in (pa.float16(), pa.float32())),
        (pa.float64(), 1e-05, "0.00001"),
        (pa.float64(), 1e16, "10000000000000000"),
        (pa.decimal128(20, 4), Decimal("1234.5000"), "1234.5"),
        (pa.decimal256(60, 0), Decimal(10) ** 50, f"1{'0' * 50}"),
        (pa.dictionary(pa.int32(), pa.string()), "1,234", "1234"),
    ],
)
def test_a_number_in_parquet_is_a_number_in_any_type(
    tmp_path: Path, kind: pa.DataType, value: object, number: str
) -> None:
    value = str(value) if pa.types.is_string(kind) or pa.types.is_large_string(kind) else value
    value = np.float16(value) if pa.types.is_float16(kind) else value
    table = pa.table({"question": ["a", "b", "c"], "answer": pa.array([value] * 3, kind)})
    pq.write_table(table, tmp_path / "mine.parquet")
    split = load_split(tmp_path / "mine.parquet", "main", "train")
    assert {problem.answer for problem in split.problems} == {f"#### {number}"}


def test_skipped_rows_are_counted(tmp_path: Path) -> None:
    other = {**GOOD, "question": "How many more?"}
    folder = folder_with(tmp_path, [GOOD, {"question": "no answer"}, other, "broken"])
    write_jsonl(tmp_path / "main" / "test.jsonl", [{**GOOD, "question": "How many less?"}])
    split = load_split(folder, "main", "train", skip_bad_rows=True)
    assert (len(split.problems), split.skipped) == (2, 2)


def test_only_bad_rows_are_no_data(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, ["broken"])
    with pytest.raises(UserError, match="no rows but 1 bad"):
        load_split(folder, "main", "train", skip_bad_rows=True)


def test_missing_folders_and_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_split(tmp_path / "none", "main", "train")
    with pytest.raises(UserError, match="unknown variant"):
        load_split(tmp_path, "main", "train")
    with pytest.raises(UserError, match="needs one train file"):
        load_split(write_jsonl(tmp_path / "x" / "main" / "test.jsonl", [GOOD]).parents[1], "main", "train")
    with pytest.raises(UserError, match="has no rows"):
        load_split(folder_with(tmp_path, []), "main", "train")


def test_a_file_that_is_not_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "train-0.parquet").write_bytes(b"not parquet")
    with pytest.raises(UserError, match="no readable Parquet"):
        load_split(tmp_path, "main", "train")


def problems(count: int) -> tuple[Problem, ...]:
    return tuple(Problem(f"question {i}", f"#### {i}") for i in range(count))


def test_the_held_out_split_shares_no_question_and_loses_none() -> None:
    everything = (*problems(50), Problem("question 3", "#### 4"))
    train, validation = hold_out(everything, questions=10, seed=0)
    assert not {p.question for p in train} & {p.question for p in validation}
    assert len(train) + len(validation) == len(everything)
    assert len({p.question for p in validation}) == 10


def test_the_held_out_split_depends_on_the_question_and_the_seed_alone() -> None:
    _, first = hold_out(problems(50), 10, seed=0)
    _, reordered = hold_out(problems(50)[::-1], 10, seed=0)
    _, other_seed = hold_out(problems(50), 10, seed=1)
    assert set(first) == set(reordered)
    assert set(first) != set(other_seed)


def test_at_most_half_is_held_out() -> None:
    train, validation = hold_out(problems(9), questions=200, seed=0)
    assert (len(train), len(validation)) == (5, 4)
    with pytest.raises(UserError, match="at least 2"):
        hold_out(problems(1), 10, 0)


def test_the_fingerprint_changes_with_any_row(small_data: Path) -> None:
    main = load_split(small_data, "main", "train")
    socratic = load_split(small_data, "socratic", "train")
    assert fingerprint(main) == fingerprint(main)
    assert fingerprint(main) != fingerprint(socratic)


def own_rows(count: int) -> list[dict]:
    return [{"prompt": f"question {i}", "solution": i, "note": "x"} for i in range(count)]


OWN = Columns("prompt", "solution")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_data_of_ones_own_under_any_column_names(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"problems{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(own_rows(20)), path)
    elif suffix == ".csv":
        path.write_text(
            "prompt,solution,note\n" + "".join(f"question {i},{i},x\n" for i in range(20)), encoding="utf-8"
        )
    else:
        write_jsonl(path, own_rows(20))
    train = load_split(path, "main", "train", columns=OWN)
    test = load_split(path, "main", "test", columns=OWN)
    assert (len(train.problems), len(test.problems)) == (16, 4)
    assert test.held_out
    assert not train.held_out
    assert {*train.problems, *test.problems} == {Problem(f"question {i}", f"#### {i}") for i in range(20)}


@pytest.mark.parametrize("layout", ["mine.jsonl", "train.jsonl", "main/train.jsonl"])
def test_without_a_test_split_no_question_is_tested_that_is_trained_on(tmp_path: Path, layout: str) -> None:
    """As one file, or as a folder that has a train file alone."""
    path = write_jsonl(tmp_path / layout, [*own_rows(20), *own_rows(3)])
    data = path if layout == "mine.jsonl" else tmp_path
    train, test = (load_split(data, "main", split, columns=OWN) for split in ("train", "test"))
    assert test.held_out
    assert len(train.problems) + len(test.problems) == 23
    assert not {problem.question for problem in train.problems} & {p.question for p in test.problems}


def test_a_folder_of_ones_own_uses_its_test_split(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", own_rows(20))
    write_jsonl(tmp_path / "test.jsonl", [{"prompt": f"another {i}", "solution": i} for i in range(3)])
    assert len(load_split(tmp_path, "main", "train", columns=OWN).problems) == 20
    test = load_split(tmp_path, "main", "test", columns=OWN)
    assert len(test.problems) == 3
    assert not test.held_out


def test_a_column_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", own_rows(4))
    with pytest.raises(UserError, match="no column 'question'; columns there: prompt, solution, note"):
        load_split(path, "main", "train")


def test_data_of_ones_own_has_the_main_variant_alone(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", own_rows(4))
    with pytest.raises(UserError, match="no variant 'socratic': --set variant=main"):
        load_split(path, "socratic", "train", columns=OWN)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.xlsx").touch()
    with pytest.raises(UserError, match=r"must end in \.jsonl, .*; save the sheet as CSV"):
        load_split(tmp_path / "mine.xlsx", "main", "train")


def test_code_data_is_one_file_in_any_name(tmp_path: Path) -> None:
    row = {"query": "print hi", "answer": "print('hi')", "resource": "x", "lang": "python"}
    write_jsonl(tmp_path / "CodeFeedback.jsonl", [row, row])
    assert load_code(tmp_path).problems == (Problem("print hi", "print('hi')"),) * 2
    write_jsonl(tmp_path / "CodeFeedback.jsonl", [row, {"query": "x"}])
    with pytest.raises(UserError, match=r"row 2: no column 'answer'; columns there: query; code data needs"):
        load_code(tmp_path)
    write_jsonl(tmp_path / "more.jsonl", [row])
    with pytest.raises(UserError, match=r"needs one .*, found CodeFeedback\.jsonl, more\.jsonl"):
        load_code(tmp_path)
