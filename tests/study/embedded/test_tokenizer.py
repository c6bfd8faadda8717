"""The tokenizer: loads without the project's code, loses nothing, keeps digits single, trains the same."""

import json
import re
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from study.embedded import DATA_DIR, MODEL_DIR
from study.embedded.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(str(MODEL_DIR))


def read(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def texts() -> list[str]:
    files = sorted(DATA_DIR.rglob("*.jsonl"))
    return [value for file in files for row in read(file) for value in row.values()]


def test_every_text_of_the_data_set_survives_a_round_trip(tokenizer: PreTrainedTokenizerBase) -> None:
    every = texts()
    ids = tokenizer(every).input_ids
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == every


def test_spaces_newlines_and_unknown_letters_survive(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "def f(x):\n    return x  + 12\n\n é 漢 <<3*4=12>> ** #### 5 "
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text


def test_special_tokens_are_those_of_t5(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.convert_tokens_to_ids(["<pad>", "</s>", "<unk>"]) == [0, 1, 2]
    assert tokenizer("Mia").input_ids[-1] == tokenizer.eos_token_id == 1
    assert tokenizer.pad_token_id == 0
    assert len(tokenizer("<extra_id_31>").input_ids) == 2


def test_markers_are_whole_and_digits_single(tokenizer: PreTrainedTokenizerBase) -> None:
    tokens = tokenizer.tokenize("30-12=<<30-12=18>>18 left.\n#### 18")
    assert tokens[:9] == ["3", "0", "-", "1", "2", "=", "<<", "3", "0"]
    assert "####" in tokens
    assert ">>" in tokens


def test_sequences_stay_short(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = read(DATA_DIR / "main" / "train.jsonl")
    targets = [re.sub(r"<<.*?>>", "", row["answer"]) for row in rows]
    assert max(len(tokenizer(target).input_ids) for target in targets) < 110
    assert max(len(tokenizer(row["question"]).input_ids) for row in rows) < 110


def test_training_it_again_gives_the_same_file(tmp_path: Path) -> None:
    train_tokenizer(seed=0).save_pretrained(str(tmp_path))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (MODEL_DIR / name).read_bytes()
