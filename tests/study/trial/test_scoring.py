"""Scoring by a task: columns, jackknife values, and faults that name their question and are never a zero."""

from typing import Any

import pytest

from study.errors import UserError
from study.tasks import Aggregate, Score, Task
from study.trial.metrics import summarise
from study.trial.scoring import score_outputs

ROWS = [{"question": f"question {i}", "target": target} for i, target in enumerate(["a", "b", "a", "b"])]


def task(*scores: Score, **options: Any) -> Task:
    return Task(description="letters", scores=scores, primary=scores[0].name, **options)


def same(prediction: str | None, reference: str, row: Any) -> bool:
    return prediction == reference


EXACT = Score("exact", same, "the letter")
LENGTH = Score("length", lambda p, r, row: len(p), "letters", kind="mean", unit="letters", high=None)


def metrics(of: Task, outputs: list[str], nll: float | None = None) -> dict[str, Any]:
    found = score_outputs(of, outputs, ROWS)
    rows = [{**row, "similarity": None, "nll": nll, "tokens": 2} for row in found]
    return summarise(rows, of)


def test_a_share_is_in_percent_and_a_mean_in_its_own_unit() -> None:
    found = metrics(task(EXACT, LENGTH), ["a", "b", "bbb", "a"])
    assert (found["exact"], found["length"], found["score"]) == (50.0, 1.5, 50.0)


def test_an_output_that_can_not_be_read_is_unanswered_and_wrong() -> None:
    of = task(EXACT, read=lambda text, row: text if len(text) == 1 else None)
    assert [row["answer"] for row in score_outputs(of, ["a", "", "aa", "b"], ROWS)] == ["a", None, None, "b"]
    found = metrics(of, ["a", "", "aa", "b"])
    assert (found["answered"], found["exact"]) == (50.0, 50.0)
    assert metrics(task(EXACT), ["a", "", "aa", "b"])["answered"] is None


def test_an_aggregate_is_the_mean_of_its_column() -> None:
    ratio = Aggregate(
        lambda p, r, row: {"right": float(p == r), "letters": len(p)}, lambda s: s["right"] / s["letters"]
    )
    of = task(Score("ratio", ratio, "right answers a letter", kind="mean", unit=""))
    column = [row["ratio"] for row in score_outputs(of, ["a", "bb", "a", "abc"], ROWS)]
    assert sum(column) / 4 == pytest.approx(2 / 7)
    without = [1 / 6, 2 / 5, 1 / 6, 2 / 4]
    assert column == pytest.approx([2 / 7 + 3 * (sum(without) / 4 - one) for one in without])


def raises(prediction: str, reference: str, row: Any) -> float:
    raise KeyError("tests")


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (
            task(Score("bad", raises, "raises")),
            "score bad raised KeyError: 'tests' at the question 'question 0'",
        ),
        (
            task(Score("bad", lambda p, r, row: 0.5, "half")),
            "score bad is a share: 0 or 1, received 0.5 at the",
        ),
        (task(Score("bad", lambda p, r, row: None, "none")), "received None at the question 'question 0'"),
        (
            task(Score("bad", lambda p, r, row: 101.0, "much", kind="mean")),
            "score bad must lie in 0 to 100, by its task, received 101 at the question 'question 0'",
        ),
        (task(Score("bad", lambda p, r, row: float("nan"), "nan", kind="mean")), "received nan"),
        (task(Score("bad", lambda p, r, row: "x", "text", kind="mean")), "must be a number, received 'x'"),
        (task(EXACT, read=raises), "the task's read raised TypeError"),
        (task(EXACT, read_all=lambda texts, rows: ["a"]), "gave 1 readings of 4 outputs"),
        (
            task(Score("bad", Aggregate(lambda p, r, row: {}, lambda s: s["x"]), "lacks", kind="mean")),
            "score bad of the whole split raised KeyError",
        ),
    ],
)
def test_a_score_that_is_none_fails_the_trial_and_names_the_question(of: Task, reason: str) -> None:
    with pytest.raises(UserError) as failure:
        score_outputs(of, ["a", "b", "a", "b"], ROWS)
    assert reason in str(failure.value)


def test_the_search_takes_the_lower_of_a_score_that_is_better_low() -> None:
    error = Score("error", lambda p, r, row: len(p), "letters", kind="mean", high=None, lower_is_better=True)
    short, long = (metrics(task(error), outputs, nll=1.0) for outputs in (["a"] * 4, ["aa"] * 4))
    assert short["search_score"] > long["search_score"]
    # Of equal scores the lower perplexity wins; it never outweighs a score.
    assert metrics(task(error), ["a"] * 4, nll=0.5)["search_score"] > short["search_score"]
