import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study import tokenised
from study.config import TrialConfig
from study.tokenised import load_examples
from study.workplace import Workplace

Maker = Callable[..., TrialConfig]


@pytest.fixture
def fresh(workplace: Workplace, tmp_path: Path) -> Workplace:
    return replace(workplace, cache=tmp_path / "cache")


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many problems are tokenised, each time that any are."""
    counts: list[int] = []
    encode = tokenised.encode
    monkeypatch.setattr(tokenised, "encode", lambda p, *rest: counts.append(len(p)) or encode(p, *rest))
    return counts


def test_a_split_is_tokenised_once_for_all_trials(
    config_for: Maker, fresh: Workplace, encoded: list[int]
) -> None:
    for seed, rank in ((0, 4), (1, 8), (2, 4)):
        load_examples(config_for("lora", seed=seed, rank=rank), fresh, "train")
    assert encoded == [96]  # the whole file, of which 16 are held out
    load_examples(config_for("lora", max_target_tokens=12), fresh, "train")
    assert encoded == [96, 96]


def test_replicates_divide_one_tokenised_file_each_in_its_own_way(
    config_for: Maker, fresh: Workplace, encoded: list[int]
) -> None:
    held_out = []
    for split_seed in range(3):
        config = config_for("lora", split_seed=split_seed)
        train, validation = (
            load_examples(config, fresh, split).rows["question"][:] for split in ("train", "validation")
        )
        assert len(train) + len(validation) == 96
        assert not set(train) & set(validation)
        held_out.append(frozenset(validation))
    assert encoded == [96]
    assert len(set(held_out)) == 3


def test_a_trial_reads_the_cache_without_the_data(
    config_for: Maker, fresh: Workplace, tmp_path: Path
) -> None:
    copy = tmp_path / "data"
    shutil.copytree(fresh.data.path, copy)
    moved = replace(fresh, data=replace(fresh.data, path=copy))
    first = load_examples(config_for("lora"), moved, "test").rows["input_ids"]
    shutil.rmtree(copy)
    assert load_examples(config_for("lora"), moved, "test").rows["input_ids"] == first


def test_inputs_hold_the_question_and_targets_the_solution(config_for: Maker, fresh: Workplace) -> None:
    from study.models import load_tokenizer

    tokenizer = load_tokenizer(fresh.model)
    rows = load_examples(config_for("lora", max_target_tokens=200, max_source_tokens=200), fresh, "test").rows
    for row in rows:
        assert tokenizer.decode(row["input_ids"], skip_special_tokens=True) == row["question"]
        assert tokenizer.decode(row["labels"], skip_special_tokens=True) == row["target"]
        assert row["target"].splitlines()[-1] == f"#### {row['reference_number']}"
        assert "<<" not in row["target"]
        assert row["labels"][-1] == tokenizer.eos_token_id


def test_train_validation_and_test_share_no_question(config_for: Maker, fresh: Workplace) -> None:
    splits = [
        set(load_examples(config_for("lora"), fresh, split).rows["question_id"])
        for split in ("train", "validation", "test")
    ]
    assert sum(map(len, splits)) == len(set.union(*splits))


def test_question_limits_take_the_first_rows(config_for: Maker, fresh: Workplace) -> None:
    config = config_for("lora", train_questions=10, test_questions=5)
    assert len(load_examples(config, fresh, "train")) == 10
    assert len(load_examples(config, fresh, "test")) == 5
    assert len(load_examples(config, fresh, "validation")) == 16
