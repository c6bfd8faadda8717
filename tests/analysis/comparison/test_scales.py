"""Which perplexities are on one scale: the same tokenizer, and the same target texts."""

from dataclasses import replace

from analysis.comparison.comparing import _letter
from tests.analysis.opened import compare
from tests.analysis.replicated import write_replicated
from tests.analysis.simulated_trials import SimulatedArm

LORA, QLORA = SimulatedArm(), SimulatedArm("qlora")


def scales(path, arms, **columns):
    write_replicated(path, arms, replicates=2, columns=columns)
    return [row.perplexity_scale for row in compare(path).rows]


def test_perplexities_of_one_tokenizer_and_the_same_targets_share_a_letter(tmp_path):
    # The models differ, as T5-small and T5-base do; their tokenizer does not.
    arms = [LORA, replace(QLORA, columns={"source_model_fingerprint": "m2"})]
    assert scales(tmp_path, arms) == ["a", "a"]


def test_another_tokenizer_with_equally_many_tokens_has_another_letter(tmp_path):
    arms = [LORA, replace(QLORA, columns={"source_tokenizer_fingerprint": "t2"})]
    assert scales(tmp_path, arms) == ["a", "b"]


def test_other_targets_with_equally_many_tokens_have_another_letter(tmp_path):
    assert scales(tmp_path, [LORA, replace(QLORA, variant="socratic")]) == ["a", "b"]


def test_targets_that_were_cut_elsewhere_have_another_letter(tmp_path):
    assert scales(tmp_path, [LORA, replace(QLORA, tokens=19)]) == ["a", "b"]


def test_old_rows_without_a_tokenizer_go_by_their_model(tmp_path):
    other = replace(QLORA, columns={"source_model_fingerprint": "m2"})
    unknown = {"source_tokenizer_fingerprint": None}
    assert scales(tmp_path / "same", [LORA, QLORA], **unknown) == ["a", "a"]
    arms = [replace(LORA, columns=unknown), replace(other, columns={**other.columns, **unknown})]
    assert scales(tmp_path / "other", arms) == ["a", "b"]


def test_rows_of_which_neither_is_known_are_compared_with_nothing(tmp_path):
    unknown = {"source_tokenizer_fingerprint": None, "source_model_fingerprint": None}
    assert scales(tmp_path, [LORA, QLORA], **unknown) == ["a", "b"]


def test_letters_do_not_repeat():
    letters = [_letter(index) for index in range(1000)]
    assert len(set(letters)) == 1000
    assert (letters[0], letters[25], letters[26]) == ("a", "z", "aa")
