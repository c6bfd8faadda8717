import pytest

from study.tasks import BadRow, Given
from tasks.program import TASK
from tests.tasks.scored import scores_of

TWICE = "def f(x):\n    return 2*x"


def checked(answer: str = TWICE, **extra: object) -> Given:
    assert TASK.check is not None
    return TASK.check(Given("Double a number.", answer, extra))


def test_scores_of_hand_made_programs() -> None:
    rows = [{"answer": TWICE, "tests": "assert f(2) == 4\nassert f(3) == 6"}] * 6
    outputs = [
        f"```python\n{TWICE}\n```",
        "def f(x):\n    return 4",
        "def f(x):\n    return y",
        "import os\ndef f(x):\n    return 2*x",
        "",
        "I would double it.",
    ]
    assert scores_of(TASK, outputs, rows) == {
        "pass_at_1": pytest.approx(100 / 6),
        "runs": pytest.approx(200 / 6),
    }
    assert TASK.read_all is not None
    read = TASK.read_all(outputs, rows)
    outcomes = ["passed", "failed", "runtime_error", "refused", "no_program", "syntax_error"]
    assert [one["outcome"] for one in read] == outcomes
    assert [one["answer"] is None for one in read] == [False] * 4 + [True, False]
    for score in TASK.scores:
        assert callable(score.of)
        assert not score.of(None, TWICE, rows[0])


def test_the_tests_of_a_row_are_one_text() -> None:
    assert checked(test_list=["assert f(1) == 2", "assert f(2) == 4"], test_setup_code="").extra == {
        "tests": "\nassert f(1) == 2\nassert f(2) == 4"
    }
    assert checked(tests="assert f(1) == 2", group="a").extra == {"tests": "assert f(1) == 2", "group": "a"}
    humaneval = "def check(candidate):\n    assert candidate(1) == 2"
    assert checked(test=humaneval, entry_point="f").extra == {"tests": f"{humaneval}\ncheck(f)"}


def test_the_first_test_is_shown_with_the_description() -> None:
    source = TASK.style("with_test").source
    assert callable(source)
    row = {"question": "Double a number.", "tests": "import math\nassert f(1) == 2\nassert f(2) == 4"}
    assert source(row) == "Double a number.\nassert f(1) == 2"


@pytest.mark.parametrize(
    ("answer", "extra", "said"),
    [
        (TWICE, {}, "no tests; valid: a column test_list"),
        (TWICE, {"tests": []}, "no tests"),
        (TWICE, {"tests": [1]}, "tests of another form"),
        (TWICE, {"tests": "print(f(2))"}, "no tests"),
        ("import re\n" + TWICE, {"tests": "assert f(1) == 2"}, "line 1: of imports"),
        (TWICE, {"tests": "assert f("}, "the sandbox can't run"),
        (TWICE, {"tests": "with f(1):\n    assert f(1) == 2"}, "With is not allowed"),
    ],
)
def test_a_row_that_can_not_be_scored_is_a_bad_row(answer: str, extra: dict, said: str) -> None:
    with pytest.raises(BadRow, match=said):
        checked(answer, **extra)
