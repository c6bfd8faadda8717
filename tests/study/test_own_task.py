"""A task of the user's own, through the command: a study, a trial again, a resume, and what is refused."""

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from study import embedded
from study.results.folder import ResultsFolder

ROOT = Path(__file__).parents[2]
TASK = """
from study.tasks import Aggregate, BadRow, Given, Score, Task

def row(of):
    if not of["noun"].strip():
        raise BadRow("a noun is needed")
    return Given(f"how long is {of['noun']}", str(len(of["noun"])), {"group": of["kind"]})

def read(output, row):
    return output.strip() if output.strip().isdigit() else None

def miss(prediction, reference, row):
    return min(50.0, abs(int(prediction[:3]) - int(reference))) if prediction else 50.0

def counted(prediction, reference, row):
    return {"n": 1.0, "exact": float(prediction == reference)}

TASK = Task(
    description="lengths of nouns",
    row=row,
    columns=["noun", "kind"],
    read=read,
    scores=[
        Score("miss", miss, "letters off", kind="mean", unit="letters", high=50, lower_is_better=True),
        Score("exact", lambda p, r, row: p == r, "the length"),
        Score("ratio", Aggregate(counted, lambda s: 100 * s["exact"] / s["n"]), "the same", kind="mean"),
    ],
    primary="miss",
    floors=["floor_commonest_answer", "floor_empty"],
)
"""
SPACE = """
from study.space import Space
SPACE = Space(question="How long?", compare={"method": ["lora", "full"]}, search=["learning_rate"])
"""
START = ["--space", "own_space.py", "--task", "lengths.py", "--data", "nouns.csv"]
SMALL = ["--trials", "1", "--replicates", "2", "--set", "max_steps=6", "--set", "validation_questions=8"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "lengths.py").write_text(TASK, encoding="utf-8")
    (tmp_path / "own_space.py").write_text(SPACE, encoding="utf-8")
    nouns = {word for path in (embedded.DATA_DIR / "main").glob("*") for word in path.read_text().split()}
    words = sorted(word for word in nouns if word.isalpha())[:80]
    with (tmp_path / "nouns.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = [(word, "short" if len(word) < 5 else "long") for word in words]
        csv.writer(stream).writerows([("noun", "kind"), *rows])
    return tmp_path


def call(place: Path, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "study.run", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=600,
        encoding="utf-8",
    )
    output = done.stdout + done.stderr
    assert done.returncode == status, output
    assert "Traceback" not in output, output
    return output


@pytest.mark.slow
def test_a_task_of_ones_own_is_searched_scored_resumed_and_run_again(place: Path, tiny_model: Path) -> None:
    output = call(place, *START, "--model", str(tiny_model), *SMALL, "--no-dashboard")
    assert "miss" in output
    assert "letters" in output
    (study,) = (path.parent for path in place.glob("results/*/study.json"))
    folder = ResultsFolder(study)
    task = json.loads((study / "study.json").read_text(encoding="utf-8"))["task"]
    assert (task["name"], task["primary"]) == ("lengths", "miss")
    assert [score["lower_is_better"] for score in task["scores"]] == [True, False, False]
    _check_figures(study)
    columns = json.loads((study / "columns.json").read_text(encoding="utf-8"))
    assert "jackknife" in columns["predictions"]["ratio"]["description"]

    trial = next(row["trial"] for row in folder.read_trials() if row["method"] == "lora")
    assert "the predictions are the same" in call(place, "--rerun", trial, "--results", str(study))
    assert "of 2 trials" not in call(place, "--resume", str(study), "--no-dashboard")
    # Another text is another task: what it would score can't stand beside what was scored.
    (place / "lengths.py").write_text(f"{TASK}\n# changed\n", encoding="utf-8")
    refused = call(place, "--resume", str(study), "--replicates", "3", status=2)
    assert "the task's file has changed since this study began" in refused
    (place / "lengths.py").unlink()
    assert "no task 'lengths.py'" in call(place, "--resume", str(study), status=2)


def _check_figures(study: Path) -> None:
    """Every trial's scores, recomputed from its predictions by other code."""
    rows = duckdb.sql(
        f"""
        SELECT t.trial, t.miss, avg(p.miss), t.exact, 100.0 * avg(p.exact::int), t.ratio, avg(p.ratio),
               t.answered, 100.0 * count(p.answer) / count(*), t.score, t.miss, t.ratio, t.exact
        FROM read_parquet('{study}/trials/*.parquet', union_by_name=true) t
        JOIN read_parquet('{study}/predictions/*.parquet', union_by_name=true) p USING (trial)
        GROUP BY ALL
        """
    ).fetchall()
    assert len(rows) >= 7
    for _, *pairs in rows:
        for told, again in zip(pairs[::2], pairs[1::2], strict=True):
            assert math.isclose(told, again, abs_tol=1e-9), pairs
    groups = duckdb.sql(f"""SELECT DISTINCT "group" FROM '{study}/predictions/*.parquet'""").fetchall()
    assert {*groups} == {("long",), ("short",)}


@pytest.mark.slow
def test_a_score_that_raises_fails_its_trials_with_the_question(place: Path, tiny_model: Path) -> None:
    text = TASK.replace("return min(50.0,", "return len(None) or min(50.0,").replace(
        "if prediction else 50.0", ""
    )
    (place / "lengths.py").write_text(text, encoding="utf-8")
    output = call(place, *START, "--model", str(tiny_model), *SMALL, "--no-dashboard", status=1)
    assert "score miss raised TypeError" in output
    assert "at the question 'how long is " in output


def test_what_is_refused_before_anything_is_written(place: Path) -> None:
    assert "unknown score 'mis': did you mean miss" in call(place, *START, "--primary", "mis", status=2)
    assert "unknown prompt_style of task lengths" in call(
        place, *START, "--set", "prompt_style=python_code", status=2
    )
    with (place / "nouns.csv").open("a", encoding="utf-8") as stream:
        stream.write(" ,long\n")
    assert "nouns.csv, row 81: a noun is needed" in call(place, *START, "--dry-run", status=2)
    assert not (place / "results").exists()
