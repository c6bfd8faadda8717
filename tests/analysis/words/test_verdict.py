"""The verdict: its words, and the best under a budget."""

import io
import subprocess
import sys
from dataclasses import replace

from rich.console import Console

from analysis.comparison.comparing import comparison
from analysis.judgement.verdicts import judge
from analysis.layout.pairs import limit_pairs
from analysis.reading.folders import open_studies
from analysis.statistics.differences import Difference
from analysis.statistics.intervals import Estimate
from analysis.verdict import print_closing_verdict
from analysis.words.phrases import difference_sentence
from analysis.words.verdict import say
from tests.analysis.opened import compare
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row

GOOD = SimulatedArm(accuracy=0.7, train_seconds=300)
GOOD_TOO = SimulatedArm("qlora", accuracy=0.7, train_seconds=100)
POOR = SimulatedArm("full", accuracy=0.1, train_seconds=50, trainable_parameters=60_000_000)
FLOOR = SimulatedArm("floor_commonest_answer", accuracy=0.05)


def test_clear_winner_is_named_with_what_it_beats(tmp_path):
    write_study(tmp_path, [POOR, GOOD, FLOOR], questions=200)
    sentences = say(compare(tmp_path))
    assert sentences[0].startswith("lora main (accuracy ")
    assert sentences[0].endswith("is the best of 2 arms, as these searches found them.")
    assert "lora main beats full main by " in sentences[1]
    assert "p < 0.001" in sentences[1]


def test_arms_that_share_the_top_are_said_to(tmp_path):
    write_study(tmp_path, [GOOD, POOR, GOOD_TOO], questions=200)
    first = say(compare(tmp_path))[0]
    assert first.startswith("Nothing separates ")
    assert "lora main" in first
    assert "qlora main" in first
    assert "full main" not in first


def test_arm_no_better_than_a_floor_is_said(tmp_path):
    write_study(tmp_path, [GOOD, replace(POOR, accuracy=0.05), FLOOR], questions=200)
    lines = say(compare(tmp_path))
    expected = "Not shown to beat the best row without training (floor_commonest_answer main), as these"
    assert f"{expected} searches found them: full main." in lines


def test_one_arm_has_nothing_to_compare(tmp_path):
    write_study(tmp_path, [GOOD])
    assert "nothing to compare" in say(compare(tmp_path))[0]


def test_one_seed_an_arm_is_no_verdict(tmp_path):
    write_study(tmp_path, [GOOD, POOR], seeds=(1,))
    assert "can't say whether that is luck" in say(compare(tmp_path))[0]


def test_arms_that_are_equally_right_have_no_first(tmp_path):
    write_study(tmp_path, [replace(GOOD, accuracy=0.0), replace(POOR, accuracy=0.0)])
    assert say(compare(tmp_path))[0].startswith("lora main and full main score alike (0.0%")


def test_all_trials_failed_is_said(tmp_path):
    write_study(tmp_path, [])
    write_row(tmp_path, trial_row(POOR, status="failed", reason="no"))
    assert say(compare(tmp_path)) == ["No trained arm has scores yet: there is nothing to compare."]


def test_other_test_questions_are_not_compared(tmp_path):
    write_study(tmp_path / "apples", [GOOD, POOR])
    write_study(tmp_path / "pears", [GOOD, POOR], topic="pears")
    verdicts = judge(comparison(open_studies([tmp_path])))
    assert [len(verdict.differences) for verdict in verdicts] == [1, 1]
    assert "2 sets of test questions" in say(compare(tmp_path))[0]


def test_two_studies_with_the_same_questions_are_compared_as_one(tmp_path):
    write_study(tmp_path / "first", [GOOD])
    write_study(tmp_path / "second", [POOR])
    (verdict,) = judge(comparison(open_studies([tmp_path])))
    assert verdict.pair("first: lora main", "second: full main").better == "first: lora main"


def test_sentence_reads_as_a_person_would_say_it():
    clear = Difference("LoRA", "QLoRA", Estimate(4.1, 1.9, 6.3), 0.0004, p_holm=0.0012)
    assert difference_sentence(clear) == "LoRA beats QLoRA by 4.1 points (95%: 1.9 to 6.3, p = 0.0012)"
    unclear = replace(clear, estimate=Estimate(0.4, -2.0, 2.8), p_holm=0.6)
    expected = "LoRA can't be told apart from QLoRA (+0.4 points; 95%: -2.0 to 2.8, p = 0.60)"
    assert difference_sentence(unclear) == expected


def test_best_under_a_budget_leaves_out_what_exceeds_it(tmp_path):
    write_study(tmp_path, [GOOD, GOOD_TOO, POOR], questions=200)
    lines = say(compare(tmp_path), {"train_seconds": 120})
    assert lines[-1].startswith("Best with training of at most 2 min: qlora main")
    assert lines[-1].endswith("Beyond it: lora main.")
    assert say(compare(tmp_path), {"train_seconds": 1})[-1] == "No arm keeps to training of at most 1 s."


def test_many_pairs_are_cut_to_the_clearest_and_counted():
    pairs = [Difference(f"a{i}", "b", Estimate(1.0), 0.5, p_holm=1 - i / 100) for i in range(50)]
    kept, left_out = limit_pairs(pairs, 10)
    assert [pair.better for pair in kept[:2]] == ["a49", "a48"]
    assert left_out == "The 10 clearest of 50 pairs. "
    assert limit_pairs(pairs, 50) == (pairs, "")


def test_the_closing_verdict_says_what_to_use_and_why_and_leaves_commands_whole(tmp_path):
    write_study(tmp_path, [GOOD, POOR], questions=100)
    console = Console(file=io.StringIO(), width=60)
    print_closing_verdict(tmp_path, console)
    text = console.file.getvalue()
    assert text.startswith("Use: lora main (accuracy ")
    assert "lora main beats full main" in " ".join(text.split())
    (export,) = (line for line in text.splitlines() if "study.export" in line)
    assert export.endswith("--arm 'lora main' --to my-model")


def test_command_prints_the_pairs(tmp_path):
    write_study(tmp_path, [GOOD, POOR], questions=100)
    command = [sys.executable, "-m", "analysis.verdict", str(tmp_path), "--max-memory", "1GB"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "p (Holm)" in done.stdout
    assert "Best with at most 1 GB of memory" in done.stdout
    wrong = subprocess.run(
        [*command[:-1], "lots"], capture_output=True, text=True, timeout=60, encoding="utf-8"
    )
    assert wrong.returncode == 2
    assert wrong.stderr == "error: 'lots' is no limit; examples: 300k, 2GB\n"
