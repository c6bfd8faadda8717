"""Reference programs: what is made of annotations, what is not, and that every one computes its number."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study import embedded
from study.answers.reading import marked_number
from study.data import programs
from study.data.missing_programs import describe_missing, without_program
from study.data.programs import REASONS, NoProgram, program_from_annotations
from study.sandbox import Sandbox
from study.without_program import main
from tests.conftest import write_jsonl
from tests.study.splits import load_split

GSM8K = Path(__file__).parents[4] / "shared/data/gsm8k"

# Rows of GSM8K without a program. A change of the maker that loses or gains rows shows here.
WITHOUT_PROGRAM = {
    "main/train": {
        programs.OTHER_RESULT: 377,
        programs.NOTHING_COMPUTED: 119,
        programs.NO_ANNOTATIONS: 95,
    },
    "main/test": {programs.OTHER_RESULT: 93, programs.NOTHING_COMPUTED: 14, programs.NO_ANNOTATIONS: 18},
}
EMBEDDED = ["main/train", "main/test", "socratic/train", "socratic/test"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("<<48/2=24>>24 in May\n<<48+24=72>>72\n#### 72", "a = 48/2; answer = 48+a"),
        ("<<2*3=6>>6\n#### 6", "answer = 2*3"),
        ("<< 2 * (3 + 4) = 14 >>\n#### 14", "answer = 2*(3+4)"),
        ("<<.5*10=5>>5\n#### 5.0", "answer = 0.5*10"),
        ("<<$1,200*50%=600>>\n#### 600", "answer = 1200*0.5"),
        ("<<17%5=2>>\n#### 2", "answer = 17%5"),
        ("<<10 x 3=30>>\n#### 30", "answer = 10*3"),
        ("<<10−3=7>>\n#### 7", "answer = 10-3"),
        ("<<5*2=10 apples\n<<10*3=30>>\n#### 30", "a = 5*2; answer = a*3"),
        ("<<2*3=6=6>>\n#### 6", "answer = 2*3"),
        ("<<3/4=3/4>>\n#### 0.75", "answer = 3/4"),
        ("<<180//50=3>>\n#### 3", "answer = 180//50"),
        ("<<500000*2=1000000>>\n#### 1,000,000", "answer = 500000*2"),
    ],
)
def test_annotations_become_a_program(answer: str, program: str) -> None:
    assert program_from_annotations(answer) == program


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("no idea", programs.NO_NUMBER),
        ("It is 5.\n#### 5", programs.NO_ANNOTATIONS),
        ("<<x=5>>5\n#### 5", programs.UNREADABLE),
        ("<<2+3>>5\n#### 5", programs.UNREADABLE),
        ("<<2+=5>>5\n#### 5", programs.UNREADABLE),
        ("<<1/0=1>>1\n#### 1", programs.UNREADABLE),
        ("<<" + "(" * 5000 + "=1>>1\n#### 1", programs.UNREADABLE),
        ("<<" + "+".join("1" * 5000) + "=5000>>\n#### 5000", programs.UNREADABLE),
        ("<<2+2=5>>5\n#### 5", programs.WRONG),
        ("<<2+3=5>>5 and 4 more make 9\n#### 9", programs.OTHER_RESULT),
        ("<<10/3=3.33>>\n#### 3.33", programs.OTHER_RESULT),
        ("<<7*2=14>>\n<<3*2=6>>\n#### 14", programs.OTHER_RESULT),
        ("<<30=30>>\n#### 30", programs.NOTHING_COMPUTED),
        ("<<2*3=6>>\n<<-(30)=-30>>\n#### -30", programs.NOTHING_COMPUTED),
    ],
)
def test_the_reason_is_named_where_there_is_no_program(answer: str, reason: str) -> None:
    made = program_from_annotations(answer)
    assert isinstance(made, NoProgram)
    assert made.reason == reason
    assert reason in REASONS


def test_a_rounded_result_is_not_taken_for_the_exact_one() -> None:
    assert program_from_annotations("<<10/3=3.33>> <<3.33*3=9.99>>\n#### 9.99") == "a = 10/3; answer = 3.33*3"


def test_each_result_is_used_once_before_one_is_used_again() -> None:
    answer = "<<3*5=15>> <<10+5=15>> <<15+15=30>> <<30+15=45>>\n#### 45"
    assert program_from_annotations(answer) == "a = 3*5; b = 10+5; c = a+b; answer = c+b"


def test_there_are_names_for_any_number_of_steps() -> None:
    steps = "".join(f"<<{n}+1={n + 1}>>" for n in range(1, 60))
    made = program_from_annotations(f"{steps}\n#### 60")
    assert isinstance(made, str)
    assert "; a1 = z+1; b1 = a1+1; " in made


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from("+-*"), st.integers(1, 99)), min_size=1))
def test_a_chain_of_steps_is_computed(steps: list[tuple[int, str, int]]) -> None:
    texts, value = [], 0
    for left, sign, right in steps:
        value = {"+": left + right, "-": left - right, "*": left * right}[sign]
        texts.append(f"<<{left}{sign}{right}={value}>>")
    made = program_from_annotations("\n".join(texts) + f"\n#### {value}")
    assert isinstance(made, str)
    names: dict[str, int] = {}
    exec(made, names)  # made of numbers by this test
    assert names["answer"] == value


def read_answers(path: Path) -> list[str]:
    return [json.loads(line)["answer"] for line in path.read_text(encoding="utf-8").splitlines()]


def check_file(path: Path, sandbox: Sandbox) -> Counter[str]:
    """Run the program of every row that has one; return how many have none, by reason."""
    missing: Counter[str] = Counter()
    for row, answer in enumerate(read_answers(path), start=1):
        made = program_from_annotations(answer)
        if isinstance(made, NoProgram):
            missing[made.reason] += 1
            continue
        assert "\n" not in made
        assert made.rpartition("; ")[2].startswith("answer = ")
        result = sandbox.run(made)
        assert result.value == marked_number(answer), f"{path}, row {row}: {made}: {result}"
    return missing


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_problem_has_a_program(name: str, sandbox: Sandbox) -> None:
    assert check_file(embedded.DATA_DIR / f"{name}.jsonl", sandbox) == {}


@pytest.mark.slow
@pytest.mark.skipif(not GSM8K.is_dir(), reason="GSM8K is not beside this checkout")
@pytest.mark.parametrize("name", EMBEDDED)
def test_every_program_of_gsm8k_computes_the_references_number(name: str, sandbox: Sandbox) -> None:
    missing = check_file(GSM8K / f"{name}.jsonl", sandbox)
    # The Socratic rows there are a part of the whole, which part may change.
    assert name not in WITHOUT_PROGRAM or missing == WITHOUT_PROGRAM[name]
    # Each of them is named, with its reason.
    variant, split = name.split("/")
    found = without_program(load_split(GSM8K, variant, split).problems)
    assert Counter(each.why.reason for each in found) == missing
    assert all(each.problem.question for each in found)


def test_problems_without_a_program_are_counted_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [{"question": f"q{i}", "answer": f"<<{i}+1={i + 1}>>\n#### {i + 1}"} for i in range(3)]
    bad = [{"question": "How many apples?", "answer": "<<2+2=5>>5\n#### 5"}, {"question": "b", "answer": "3"}]
    write_jsonl(tmp_path / "train.jsonl", [*good, *bad])
    write_jsonl(tmp_path / "test.jsonl", [{**row, "question": f"other {row['question']}"} for row in good])
    splits = [load_split(tmp_path, "main", split).problems for split in ("train", "test")]
    assert describe_missing("main", *splits) == (
        "python_code: 2 of 5 training questions of the main data have no program and are not trained on; "
        "0 of 3 test questions have none and are scored all the same (1 wrong annotation, 1 no annotations); "
        "python -m study.without_program names them"
    )
    assert describe_missing("main", splits[1], splits[1]) is None
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"train {splits[0][3].question_id}  wrong annotation: 2+2=5  [How many apples?]"
    assert lines[2:] == ["2 of 5 train questions have no program", "0 of 3 test questions have no program"]
    assert main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: no data ")
