import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study.config import TrialConfig
from study.sources.finding import find_data
from study.trial import tokenised
from study.trial.tokenised import load_examples
from study.workplace import Workplace
from tests.conftest import write_jsonl

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
    from study.models.loading import load_tokenizer

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


def questions(config: TrialConfig, workplace: Workplace, split: str) -> list[str]:
    return list(load_examples(config, workplace, split).rows["question"][:])


def test_of_the_embedded_data_question_limits_take_the_first_rows(
    config_for: Maker, fresh: Workplace
) -> None:
    """They lie in random order, and figures of theirs are on record."""
    at_home = replace(fresh, data=find_data("embedded"))
    whole, limited = config_for("lora"), config_for("lora", train_questions=10, test_questions=5)
    for split, limit in (("train", 10), ("test", 5)):
        assert questions(limited, at_home, split) == questions(whole, at_home, split)[:limit]
    assert len(questions(limited, at_home, "validation")) == 16


def test_question_limits_draw_a_sample_and_not_the_head_of_an_ordered_file(
    config_for: Maker, fresh: Workplace, encoded: list[int]
) -> None:
    whole = config_for("lora")
    drawn = [config_for("lora", train_questions=10, test_questions=5, split_seed=seed) for seed in range(3)]
    tests = {tuple(questions(config, fresh, "test")) for config in drawn}
    trains = {tuple(questions(config, fresh, "train")) for config in drawn}
    assert sum(encoded) == 5 + 3 * 10  # nothing else is tokenised, and the test sample once
    assert len(tests) == 1  # one for all trials
    assert len(trains) == 3  # each replicate its own
    everything = questions(whole, fresh, "test")
    (test,) = tests
    assert [question for question in everything if question in test] == list(test) != everything[:5]
    for config in drawn:
        validation = questions(config, fresh, "validation")
        assert len(validation) == 16
        assert not {*validation} & {*questions(config, fresh, "train")}


def test_programs_are_drawn_among_the_questions_that_have_one(
    config_for: Maker, fresh: Workplace, tmp_path: Path
) -> None:
    rows = [{"question": f"What is {i}?", "answer": f"#### {i}"} for i in range(60)]
    for i in range(0, 60, 6):
        rows[i]["answer"] = f"It is <<{i}+1={i + 1}>>{i + 1}.\n#### {i + 1}"
    own = replace(fresh, data=find_data(str(write_jsonl(tmp_path / "mine.jsonl", rows))))
    for changes in ({}, {"train_questions": 4}):
        config = config_for("lora", prompt_style="python_code", validation_questions=8, **changes)
        drawn = load_examples(config, own, "train").rows
        assert 0 < len(drawn) <= changes.get("train_questions", 10)
        assert not any(drawn["no_program"])


def test_a_validation_split_of_the_data_is_used_and_drawn_from_where_it_is_large(
    config_for: Maker, fresh: Workplace, tmp_path: Path
) -> None:
    for name, count in (("train", 20), ("validation", 12), ("test", 6)):
        rows = [{"question": f"{name} {i}?", "answer": i} for i in range(count)]
        write_jsonl(tmp_path / "own" / f"{name}.jsonl", rows)
    own = replace(fresh, data=find_data(str(tmp_path / "own")))
    for limit, sets in ((12, 1), (16, 1), (5, 3)):
        configs = [config_for("lora", validation_questions=limit, split_seed=seed) for seed in range(3)]
        drawn = [tuple(questions(config, own, "validation")) for config in configs]
        assert {len(set(one)) for one in drawn} == {min(limit, 12)}
        assert len(set(drawn)) == sets
        assert all(question.startswith("validation") for one in drawn for question in one)
        assert {len(questions(config, own, "train")) for config in configs} == {20}
