"""SQL over the results: the documented queries, several folders as one, and nothing but reading."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import analysis
from analysis.comparison.comparing import comparison
from analysis.errors import AnalysisError
from analysis.judgement.verdicts import judge
from analysis.query import _main
from analysis.reading.sql import query
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row
from tests.analysis.task_studies import write_task_study

DOCUMENT = Path(analysis.__file__).parent / "QUERIES.md"
SECTIONS = re.findall(
    r"^## (.+?)\n.*?```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
)
QUERIES = dict(SECTIONS)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    arms = [SimulatedArm(accuracy=0.6), SimulatedArm("qlora", accuracy=0.2)]
    write_study(folder, arms, questions=40, search_trials=4)
    write_row(folder, trial_row(SimulatedArm("full"), status="failed", reason="no memory"))
    steps = {"status": "pruned", "train_steps": 50, "planned_steps": 200, "train_seconds": 10.0}
    row = trial_row(SimulatedArm(), 104, stage="search", search_number=4, **steps)
    write_row(folder, row)
    return analysis.load(folder)


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicates")
    return analysis.load(write_replicated(folder, [SimulatedArm(train_seconds=70)], replicates=2))


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return analysis.load(write_task_study(tmp_path_factory.mktemp("labels"), replicates=1))


def rows(frames, title):
    return query(frames, QUERIES[title]).to_pylist()


def test_there_are_a_dozen_queries():
    assert len(QUERIES) >= 12


@pytest.mark.parametrize("title", QUERIES)
def test_documented_query_runs_and_finds_rows(frames, searches, labels, title):
    found = [labels] if title.startswith("Other tasks") else [frames, searches]
    assert any(rows(own, title) for own in found)


def test_best_arms_are_those_of_the_rows(frames):
    first = rows(frames, "Which arms came out best on the test split?")[0]
    trials = frames.trials.to_pandas()
    own = trials[(trials.arm == "lora main") & (trials.stage == "confirm")].accuracy
    assert (first["arm"], first["seeds"]) == ("lora main", 3)
    assert first["accuracy"] == pytest.approx(own.mean())


def test_winner_of_a_search_is_its_best_row(frames):
    trials = frames.trials.to_pandas().sort_values("search_number")  # the first of equals
    for row in rows(frames, "Which configuration won each search?"):
        own = trials[(trials.arm == row["arm"]) & (trials.stage == "search")]
        assert row["trial"] == own.loc[own.search_score.idxmax()].trial


def test_cost_of_a_scored_model_is_that_of_its_training(searches):
    (row,) = rows(searches, "What does a point of accuracy cost?")
    assert (row["compute_seconds"], row["peak_megabytes"]) == (70.0, 500.0)


def test_promise_of_a_search_stands_beside_what_its_model_kept(searches):
    found = rows(searches, "What does a search promise, and what does its model keep?")
    assert [(row["replicate"], row["validation"]) for row in found] == [(0, 43.0), (1, 44.0)]
    assert all(row["gap"] == pytest.approx(row["validation"] - row["test"]) for row in found)


def test_what_early_stopping_saved_is_found(frames):
    first, second = rows(frames, "What did early stopping save?")
    assert (first["arm"], first["trials"], first["stopped"]) == ("lora main", 5, 1)
    assert (first["saved_steps"], first["saved_seconds"]) == (150, pytest.approx(30.0))
    assert (second["stopped"], second["saved_steps"]) == (0, None)


def test_failure_is_found_with_its_reason(frames):
    (row,) = rows(frames, "What failed, and why?")
    assert (row["status"], row["reason"], row["trials"]) == ("failed", "no memory", 1)


def test_perplexity_is_that_of_the_tables(frames):
    found = rows(frames, "What is the perplexity over the whole split?")
    lora = [row["perplexity"] for row in found if row["arm"] == "lora main"]
    table = comparison(frames.studies).rows[0].estimates["perplexity"].mean
    assert min(lora) < table < max(lora)


def test_groups_of_a_study_of_labels_are_those_of_the_report(labels):
    found = rows(labels, "Other tasks: which group does worst?")
    (verdict,) = judge(comparison(labels.studies))
    shares = {(row["arm"], row["group"]): row["right_share"] for row in found}
    for group in verdict.groups.groups:
        assert shares["lora main", group.name] == pytest.approx(group.estimates["lora main"].mean)


def test_hard_questions_are_wrong_everywhere(frames):
    hard = {row["question"] for row in rows(frames, "Which questions does no arm get right?")}
    predictions = frames.predictions.to_pandas()
    confirm = frames.trials.to_pandas().query("stage == 'confirm'").trial
    tried = predictions[predictions.trial.isin(confirm)].groupby("question").correct.any()
    assert hard <= set(tried[~tried].index)


def test_several_studies_are_read_as_one(tmp_path):
    write_study(tmp_path / "one", questions=5)
    write_study(tmp_path / "two", questions=5)
    both = query(
        analysis.load(tmp_path), "SELECT folder, count(*) AS n FROM predictions GROUP BY 1 ORDER BY 1"
    )
    assert both.to_pylist() == [{"folder": "one", "n": 30}, {"folder": "two", "n": 30}]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP VIEW trials",
        "DELETE FROM trials",
        "CREATE TABLE t AS SELECT 1",
        "COPY trials TO '{file}'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "",
    ],
)
def test_nothing_but_one_select_over_the_views_runs(frames, tmp_path, sql):
    with pytest.raises(AnalysisError, match=r"^SQL: "):
        query(frames, sql.format(file=tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


def test_study_without_history_has_an_empty_view(tmp_path):
    write_study(tmp_path, questions=5)
    for path in (tmp_path / "history").glob("*"):
        path.unlink()
    assert query(analysis.load(tmp_path), "SELECT count(*) AS n FROM history").to_pylist() == [{"n": 0}]


def _run(*arguments):
    command = [sys.executable, "-m", "analysis.query", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")


def test_command_prints_rows(tmp_path):
    write_study(tmp_path, questions=5)
    assert "6" in _run(tmp_path, "SELECT count(*) AS n FROM trials").stdout
    assert _run(tmp_path, "SELECT count(*) AS n FROM trials", "--format", "csv").stdout == "n\n6\n"
    assert '"n": 6' in _run(tmp_path, "SELECT count(*) AS n FROM trials", "--format", "json").stdout


def test_wrong_sql_is_one_line_and_exit_status_2(tmp_path):
    write_study(tmp_path, questions=5)
    done = _run(tmp_path, "SELECT nothing FROM nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("error: SQL: Catalog Error")
    assert done.stderr.count("\n") == 1


def test_plain_duckdb_reads_the_files(tmp_path):
    import duckdb

    write_study(tmp_path, questions=5)
    sql = f"SELECT method, count(accuracy) FROM '{tmp_path}/trials/*.parquet' GROUP BY method ORDER BY method"
    assert duckdb.sql(sql).fetchall() == [("lora", 3), ("qlora", 3)]


def test_what_a_terminal_obeys_is_escaped_there_and_kept_in_a_file(tmp_path, capsys, monkeypatch):
    write_study(tmp_path, [SimulatedArm()], questions=3, seeds=(1,))
    sql = "SELECT chr(27) || '[2J' || chr(8238) || 'x' AS text"
    for form in ("table", "csv", "json"):
        for terminal in (True, False):
            monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal)
            _main([str(tmp_path), sql, "--format", form])
            output = capsys.readouterr().out
            escaped = terminal or form == "table"
            assert ("\u202e" in output) != escaped, (form, terminal)
            assert "\\x1b[2J" in output or "\\u001b[2J" in output or not escaped
