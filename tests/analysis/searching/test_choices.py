"""What the searches chose: the winner of each replicate, its scores, and where readers see it."""

import csv
import io
import re

import pytest

from analysis.comparison.comparing import comparison
from analysis.layout.choices import chosen_columns, show_chosen
from analysis.layout.documents import to_csv, to_markdown
from analysis.reading.folders import open_studies
from analysis.report import write_report
from analysis.searching.choices import describe_spread, find_choices, kept_choice, overstatement
from analysis.tables import closing_table
from tests.analysis.opened import first_arm, run_command, shown
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated import write_study
from tests.analysis.simulated_replicates import age
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

ZERO_SHOT = SimulatedArm("zero_shot", accuracy=0.02)


def test_winner_is_the_trial_whose_model_was_scored(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=3)
    arm = first_arm(tmp_path)
    found = find_choices(arm)
    assert [choice.replicate for choice in found] == ["1", "2", "3"]
    assert [choice.won["trial"] for choice in found] == [row["trained_by"] for row in arm.confirm]
    assert [choice.won["search_number"] for choice in found] == [1, 1, 1]
    assert [choice.validation for choice in found] == [43.0, 44.0, 45.0]
    assert [choice.tests for choice in found] == [[row["accuracy"]] for row in arm.confirm]
    assert found[0].hyperparameters == {name: arm.confirm[0][name] for name in ("rank", "learning_rate")}


def test_winner_of_a_configuration_that_was_trained_anew_is_found_by_its_hyperparameters(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=2, confirm_seeds=3)
    found = find_choices(first_arm(tmp_path))
    assert [choice.validation for choice in found] == [43.0, 44.0]
    assert [len(choice.tests) for choice in found] == [3, 3]


def test_choice_of_an_old_study_is_one_search_with_its_seeds(tmp_path):
    write_study(tmp_path, [SimulatedArm()])
    for number, (rate, score) in enumerate(((5e-3, 20.0), (1e-2, 10.0))):
        columns = {"stage": "search", "search_number": number, "learning_rate": rate, "accuracy": score}
        write_row(tmp_path, trial_row(SimulatedArm(), 100, search_score=score, replicate=0, **columns))
    age(tmp_path)
    (choice,) = find_choices(first_arm(tmp_path))
    assert (choice.replicate, choice.validation, len(choice.tests)) == ("", 20.0, 3)
    assert choice.hyperparameters == {"rank": 8, "learning_rate": 5e-3}


def test_winner_whose_row_is_gone_has_no_validation_score(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=2)
    gone = first_arm(tmp_path).confirm[0]["trained_by"]
    (tmp_path / "trials" / f"{gone}.parquet").unlink()
    found = find_choices(first_arm(tmp_path))
    assert [choice.validation for choice in found] == [None, 44.0]
    assert found[0].hyperparameters["rank"] is not None


def test_kept_model_is_the_best_by_validation_and_the_first_of_equals(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=6)
    kept = kept_choice(find_choices(first_arm(tmp_path)))
    assert (kept.replicate, kept.validation) == ("3", 45.0)


def test_spread_over_replicates_is_said(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=5)
    found = find_choices(first_arm(tmp_path))
    ranks = sorted(choice.hyperparameters["rank"] for choice in found)
    assert show_chosen(found, "rank") == f"{ranks[0]}–{ranks[-1]}"
    assert show_chosen(found[:1], "rank") == str(found[0].hyperparameters["rank"])
    assert describe_spread(found).startswith(f"rank {ranks[0]} to {ranks[-1]}")
    assert re.search(r"learning rate 0\.\d+ to 0\.\d+", describe_spread(found))


def _write_fixed(path, ranks):
    """Replicates that chose these ranks."""
    write_study(path, [], questions=5)
    for number, rank in enumerate(ranks):
        search = {"stage": "search", "search_score": 40.0, "accuracy": 40.0, "search_number": 0}
        row = trial_row(SimulatedArm(), 10 + number, replicate=number, rank=rank, **search)
        write_row(path, row)
        write_row(
            path, trial_row(SimulatedArm(), number, replicate=number, rank=rank, trained_by=row["trial"])
        )


def test_commonest_value_is_named_where_there_is_one(tmp_path):
    _write_fixed(tmp_path / "one", [8, 32, 8])
    assert describe_spread(find_choices(first_arm(tmp_path / "one"))) == "rank 8 to 32, most often 8"
    _write_fixed(tmp_path / "two", [8, 32])
    assert describe_spread(find_choices(first_arm(tmp_path / "two"))) == "rank 8 to 32"


def test_table_shows_what_the_plan_searched_and_nothing_that_it_fixed(tmp_path):
    write_replicated(tmp_path / "both", [SimulatedArm()], replicates=2)
    both = first_arm(tmp_path / "both")
    assert chosen_columns([both]) == {"rank": "rank", "learning_rate": "lr"}
    rank, rate = (both.plan["ranges"][name] for name in ("rank", "learning_rate"))
    both.plan["ranges"] = {"learning_rate": rate}
    assert chosen_columns([both]) == {"learning_rate": "lr"}
    both.plan["ranges"] = {"second_rank": rank, "alpha": rank}
    assert chosen_columns([both]) == {"second_rank": "rank 2"}


def test_closing_table_shows_the_chosen_rank_and_learning_rate_of_trained_arms(tmp_path):
    write_replicated(tmp_path, [SimulatedArm(), ZERO_SHOT])
    text = shown(closing_table(tmp_path), 110)
    found = find_choices(first_arm(tmp_path))
    assert show_chosen(found, "rank") in text
    assert show_chosen(found, "learning_rate") in text
    assert "trainable, peak memory and to ship are those of the chosen" in " ".join(text.split())


def test_table_names_what_its_scores_vary_over(tmp_path):
    write_replicated(tmp_path / "searches", [SimulatedArm(), ZERO_SHOT], replicates=3)
    write_study(tmp_path / "seeds", [SimulatedArm()])
    searches = " ".join(shown(closing_table(tmp_path / "searches"), 110).split())
    seeds = " ".join(shown(closing_table(tmp_path / "seeds"), 110).split())
    assert "arm replicates accuracy" in searches
    assert "means over replicates, 95% intervals over replicates and questions" in searches
    assert "arm seeds accuracy" in seeds
    assert "means over seeds" in seeds


def test_documents_carry_the_choices(tmp_path):
    write_replicated(tmp_path, [SimulatedArm(), ZERO_SHOT], replicates=3)
    result = comparison(open_studies([tmp_path]))
    found = find_choices(result.rows[0].arm)
    assert f"| {show_chosen(found, 'rank')} |" in to_markdown(result)
    trained, untrained = csv.DictReader(io.StringIO(to_csv(result)))
    assert trained["chosen_rank"] == ";".join(str(choice.hyperparameters["rank"]) for choice in found)
    assert untrained["chosen_rank"] == ""
    assert (trained["unit"], trained["repeats"], trained["confirm_trials"]) == ("replicate", "3", "3")
    assert float(trained["train_compute_seconds"]) == 30.0


def test_overstatement_is_the_mean_of_validation_less_test(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=3)
    found = find_choices(first_arm(tmp_path))
    gap = sum(choice.validation - choice.tests[0] for choice in found) / 3
    assert f"scored {gap:.1f} points more than on test (mean over 3 choices)" in overstatement(found)
    assert overstatement([]) is None


def test_search_that_promised_too_little_is_not_called_lucky(tmp_path):
    write_replicated(tmp_path, [SimulatedArm()], replicates=2)
    found = find_choices(first_arm(tmp_path))
    for choice in found:
        choice.won["accuracy"] = choice.tests[0] - 2
    said = "On validation the chosen models scored no more than on test (-2.0 points; mean over 2 choices)."
    assert overstatement(found) == said


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("confirm_seeds", [0, 2])
def test_command_and_report_list_every_replicates_choice(tmp_path, confirm_seeds):
    write_replicated(tmp_path, replicates=3, confirm_seeds=confirm_seeds)
    done = run_command("searches", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "what the searches chose" in done.stdout
    assert "On validation the chosen models scored" in done.stdout
    page = write_report(tmp_path).read_text(encoding="utf-8")
    for choice in find_choices(first_arm(tmp_path)):
        test = ", ".join(f"{test:.1f}" for test in choice.tests)
        assert test in done.stdout
        assert re.search(rf">{choice.validation:.1f}</td><td[^>]*>{test}</td>", page)
