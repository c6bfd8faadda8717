"""Prompt styles: what they look like, and that nothing of the answer reaches the input."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from study import embedded
from study.data.loading import Problem
from study.data.prompts import render

STYLES = ("plain", "without_breakdown", "with_breakdown", "python_code")
GSM8K = Path(__file__).parents[4] / "shared" / "data" / "gsm8k"

MAIN = Problem("How many?", "She has 48/2 = <<48/2=24>>24 left.\nThat is 24+3=<<24+3=27>>27.\n#### 27")
SOCRATIC = Problem(
    "How many?",
    "How many are left? ** 48/2 = <<48/2=24>>24\nHow many in all? ** 24+3=<<24+3=27>>27\n#### 27",
)


def test_plain_is_the_question_and_the_solution() -> None:
    example = render(MAIN, "plain", "strip")
    assert example.source == "How many?"
    assert example.target == "She has 48/2 = 24 left.\nThat is 24+3=27.\n#### 27"


def test_annotations_are_kept_where_a_space_says_so() -> None:
    assert render(MAIN, "plain", "keep").target == MAIN.answer


def test_the_breakdown_names_socratic_sub_questions_without_their_answers() -> None:
    source = render(SOCRATIC, "with_breakdown", "strip", variant="socratic").source
    assert source == (
        "Solve the problem step by step.\nHow many?\nBreakdown:\n1. How many are left?\n2. How many in all?"
    )


def test_the_breakdown_of_a_main_row_is_as_many_empty_slots_as_steps() -> None:
    source = render(MAIN, "with_breakdown", "strip").source
    assert source == "Solve the problem step by step.\nHow many?\nBreakdown:\n1.\n2."


def test_a_power_in_an_answer_is_no_sub_question() -> None:
    squared = Problem("What is its area?", "The area is 9, for it is 3 ** 2\n#### 9")
    assert render(squared, "with_breakdown", "strip").source.endswith("\nBreakdown:\n1.")


def test_a_program_is_the_target_of_python_code() -> None:
    example = render(MAIN, "python_code", "strip")
    assert example.source == "Write a Python program that solves the problem.\nHow many?"
    assert "answer = " in example.target
    assert example.no_program is None


def test_an_answer_without_annotations_has_no_program_and_says_why() -> None:
    example = render(Problem("How many?", "27\n#### 27"), "python_code", "strip")
    assert example.no_program
    assert example.target == "answer = 27"


def rows_of(folder: Path) -> Iterator[tuple[str, Problem]]:
    for path in sorted(folder.glob("*/t*.jsonl")):
        if path.parent.name in ("main", "socratic"):
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                yield path.parent.name, Problem(row["question"], row["answer"])


@pytest.mark.parametrize("folder", [embedded.DATA_DIR, GSM8K], ids=["embedded", "gsm8k"])
@pytest.mark.parametrize("style", STYLES)
def test_nothing_of_the_answer_reaches_the_input(folder: Path, style: str) -> None:
    """The input is the question, fixed words, and for a breakdown the text before ` ** `: nothing else."""
    if not folder.is_dir():
        pytest.skip(f"no GSM8K at {folder}")
    checked = 0
    for variant, problem in rows_of(folder):
        source = render(problem, style, "strip", variant=variant).source
        head, question, rest = source.partition(problem.question.strip())
        assert question
        assert head in (
            "",
            "Solve the problem step by step.\n",
            "Write a Python program that solves the problem.\n",
        )
        if style != "with_breakdown":
            assert rest == ""
        else:
            slots = [line.partition(". ")[2] for line in rest.strip().splitlines()[1:]]
            steps = [line for line in problem.answer.splitlines() if line.strip()][:-1]
            assert len(slots) == len(steps)
            for slot, step in zip(slots, steps, strict=True):
                sub_question, separator, _ = step.partition(" ** ")
                assert slot == (sub_question.strip() if separator else "")
        assert "<<" not in rest
        assert not re.search(r"####", rest)
        checked += 1
    assert checked > 1000
